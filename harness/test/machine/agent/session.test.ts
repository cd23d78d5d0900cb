// SPDX-License-Identifier: MIT
import { Duplex, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { encodeFrame, type Frame, FrameDecoder, type FrameName } from '../../../src/machine/agent/frame.js';
import { AgentSession } from '../../../src/machine/agent/session.js';

/** One end of a pair of streams that are each other's other side. */
class End extends Duplex {
	other: End | undefined;
	held: (() => void) | undefined;

	override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
		const taken = this.other?.push(chunk) ?? false;
		// A slow reader holds the writer up, as a socket does.
		if (taken) done();
		else if (this.other) this.other.held = done;
	}
	override _read(): void {
		const { held } = this;
		this.held = undefined;
		held?.();
	}
	override _final(done: () => void): void {
		this.other?.push(null);
		done();
	}
	override _destroy(error: Error | null, done: (error: Error | null) => void): void {
		if (this.other && !this.other.destroyed) this.other.push(null);
		done(error);
	}
}

const FACTS = [
	...['release=6.12.1', 'hardware=aarch64', 'cmdline=', 'page_size=4096', 'cpus=2', 'mem_total_kib=500000'],
	...['cma_total_kib=0', 'hugepages=0', 'heap=system'],
];
const HELLO = Buffer.from(FACTS.map((fact) => `${fact}\0`).join(''));

/** An agent whose words are a script: called with each frame that it gets. */
class ScriptedAgent {
	readonly heard: Frame<'to-guest'>[] = [];
	readonly far = new End();
	readonly near = new End();

	constructor(script: (frame: Frame<'to-guest'>, agent: ScriptedAgent) => void = () => {}) {
		this.near.other = this.far;
		this.far.other = this.near;
		const decoder = new FrameDecoder('to-guest', (frame) => {
			this.heard.push(frame);
			script(frame, this);
		});
		this.far.on('data', (chunk) => decoder.push(chunk));
	}
	say(type: FrameName<'from-guest'>, id: number, payload: Uint8Array | string = '', flags = 0): void {
		this.far.write(encodeFrame('from-guest', type, id, Buffer.from(payload as string), flags));
	}
	async open(): Promise<AgentSession> {
		this.say('HELLO', 0, HELLO);
		return AgentSession.open(this.near, { signal: never, deadlineMs: 5000 });
	}
}

const never = new AbortController().signal;
const silent = { stdout: () => {}, stderr: () => {} };
const JOB = { program: '/suites/heap', args: ['--list'], env: {}, deadlineMs: 1000 };

/** As AbortSignal.timeout(), but it keeps the process alive until then. */
function abortedAfter(ms: number): AbortSignal {
	const controller = new AbortController();
	setTimeout(() => controller.abort(new Error('time is up')), ms);
	return controller.signal;
}

function exitPayload(status: number, signal: number): Buffer {
	const payload = Buffer.alloc(44);
	payload.writeUInt32LE(status, 0);
	payload.writeUInt32LE(signal, 4);
	payload.writeUInt32LE(2, 8);
	payload.writeBigUInt64LE(1_500n, 12);
	payload.writeBigUInt64LE(300n, 36);
	return payload;
}

t.test('open', async (t) => {
	const agent = new ScriptedAgent();
	const session = await agent.open();
	t.match(session.facts, { release: '6.12.1', heaps: ['system'] });
	agent.say('HELLO', 0, HELLO);
	await t.rejects(session.mark('x', never), { code: 'AGENT_PROTOCOL', message: /a second HELLO/ });

	const cloned = AgentSession.adopt(new ScriptedAgent().near, session.facts);
	t.equal(cloned.facts, session.facts, 'a clone is what its template was, and says no HELLO');

	const mute = new ScriptedAgent();
	await t.rejects(AgentSession.open(mute.near, { signal: never, deadlineMs: 20 }), {
		code: 'AGENT_SILENT',
		blame: 'infrastructure',
		message: /within 0\.02 s/,
	});
	t.ok(mute.near.destroyed, 'the stream is destroyed');

	const dying = new ScriptedAgent();
	setTimeout(() => dying.far.end(), 10);
	await t.rejects(AgentSession.open(dying.near, { signal: never, deadlineMs: 5000 }), { code: 'AGENT_GONE' });

	const aborted = new ScriptedAgent();
	const signal = abortedAfter(10);
	await t.rejects(AgentSession.open(aborted.near, { signal, deadlineMs: 5000 }), { message: 'time is up' });

	const stranger = new ScriptedAgent();
	stranger.far.write('Linux version 6.12');
	await t.rejects(AgentSession.open(stranger.near, { signal: never, deadlineMs: 5000 }), { code: 'AGENT_PROTOCOL' });
});

t.test('run', async (t) => {
	const agent = new ScriptedAgent((frame, peer) => {
		if (frame.type !== 'RUN') return;
		peer.say('STDOUT', frame.id, 'TAP ');
		peer.say('HEARTBEAT', frame.id, Buffer.alloc(8));
		peer.say('STDERR', frame.id, 'oh');
		peer.say('STDOUT', frame.id, 'version 14');
		peer.say('EXIT', frame.id, exitPayload(0, 15), 1);
	});
	const session = await agent.open();
	let [stdout, stderr] = ['', ''];
	const output = {
		stdout: (chunk: Uint8Array) => {
			stdout += Buffer.from(chunk).toString();
		},
		stderr: (chunk: Uint8Array) => {
			stderr += Buffer.from(chunk).toString();
		},
	};
	const before = session.lastHeardMs;
	await sleep(5);
	t.strictSame(await session.run(JOB, output, never), {
		...{ status: undefined, signal: 15, timedOut: true, killed: false, stuck: false, strays: 2 },
		...{ wallMs: 1.5, userMs: 0, systemMs: 0, maxRssKiB: 300 },
	});
	t.strictSame([stdout, stderr], ['TAP version 14', 'oh']);
	t.ok(session.lastHeardMs > before, 'it says when it last heard anything');
	await session.run(JOB, output, never);
	t.strictSame(
		agent.heard.map(({ type, id }) => [type, id]),
		[
			['RUN', 1],
			['RUN', 2],
		],
	);
});

t.test('a job that cannot start, one too many, and one aborted', async (t) => {
	const agent = new ScriptedAgent((frame, peer) => {
		if (frame.type === 'RUN' && frame.id === 1) peer.say('ERROR', 1, 'cannot execute it: Exec format error');
		if (frame.type === 'KILL' && frame.id === 2) {
			peer.say('STDOUT', 2, 'late');
			peer.say('EXIT', 2, exitPayload(0, 9), 2);
		}
	});
	const session = await agent.open();
	await t.rejects(session.run(JOB, silent, never), {
		code: 'JOB_NOT_STARTED',
		message: 'the guest cannot run /suites/heap: cannot execute it: Exec format error',
	});
	const stop = new AbortController();
	const output = { stdout: () => t.fail('output after an abort'), stderr: () => {} };
	const running = session.run(JOB, output, stop.signal);
	await t.rejects(session.run(JOB, silent, never), { code: 'AGENT_BUSY' });
	stop.abort(new Error('enough'));
	await t.rejects(running, { message: 'enough' });
	const next = session.run(JOB, silent, never);
	agent.say('EXIT', 3, exitPayload(4, 0));
	t.match(await next, { status: 4, signal: undefined }, 'the session is of use after it');

	const deaf = new ScriptedAgent();
	const other = await deaf.open();
	const signal = abortedAfter(10);
	const began = performance.now();
	await t.rejects(other.run(JOB, silent, signal), { message: 'time is up' });
	t.ok(performance.now() - began > 1900, 'an agent that does not kill it is waited for, but not for ever');
	await t.rejects(other.run(JOB, silent, never), { code: 'AGENT_BUSY' }, 'and gets nothing more to do');
});

t.test('what the protocol does not allow ends the session', async (t) => {
	const refused: readonly [string, (peer: ScriptedAgent) => void, RegExp][] = [
		['unknown id', (peer) => peer.say('STDOUT', 77, 'x'), /a STDOUT frame for 77, which was not asked for/],
		[
			'wrong type',
			(peer) => peer.say('GET_END', 2, Buffer.alloc(8)),
			/GET_END frame while the job \/suites\/heap runs/,
		],
		['garbage', (peer) => peer.far.write('garbage'), /bytes that are no frame/],
		['it did not understand', (peer) => peer.say('ERROR', 0, 'a frame with flags'), /a frame with flags/],
	];
	for (const [name, act, message] of refused) {
		const agent = new ScriptedAgent((frame, peer) => frame.type === 'RUN' && act(peer));
		const session = await agent.open();
		const mark = t.rejects(session.mark('x', never), { code: 'AGENT_PROTOCOL' }, `${name}: the others end too`);
		await t.rejects(
			session.run(JOB, silent, never),
			{ code: 'AGENT_PROTOCOL', blame: 'infrastructure', message },
			name,
		);
		await mark;
		await t.rejects(session.mark('x', never), { code: 'AGENT_PROTOCOL', message }, `${name}: for good`);
	}
	const agent = new ScriptedAgent((frame, peer) => frame.type === 'RUN' && peer.far.end());
	const session = await agent.open();
	await t.rejects(session.run(JOB, silent, never), { code: 'AGENT_GONE', message: /during the job \/suites\/heap/ });
	session.close();
	const closed = await new ScriptedAgent().open();
	const pending = closed.mark('x', never);
	closed.close();
	await t.rejects(pending, { code: 'AGENT_GONE', message: /during writing to the kernel log/ });
});

t.test('accounts', async (t) => {
	const lines = (...pairs: readonly string[]) => pairs.map((pair) => `${pair}\0`).join('');
	const MEMORY = [
		...['mem_total_kib=250000', 'mem_available_kib=240000', 'mem_free_kib=239000', 'slab_unreclaimable_kib=2400'],
		...['shmem_kib=960', 'cma_total_kib=32768', 'cma_free_kib=32000'],
	];
	const answers = [
		lines('uptime_ms=7', ...['dmabufs=2', 'dmabuf_bytes=8192', 'cma.linux,cma=64', 'cma.camera@50000000=0'], ...MEMORY),
		lines('uptime_ms=7', 'dmabufs_locked=1', 'tainted=4608', 'a.newer.agent=1'),
	];
	const agent = new ScriptedAgent((frame, peer) => {
		if (frame.type === 'ACCOUNTS') peer.say('ACCOUNTS', frame.id, answers.shift() ?? lines('mem_total_kib=-1'));
	});
	const session = await agent.open();
	t.strictSame(await session.accounts(never), {
		dmaBufs: { count: 2, bytes: 8192 },
		dmaBufsLocked: false,
		cmaUsedPages: new Map([
			['linux,cma', 64],
			['camera@50000000', 0],
		]),
		cmaUsedKiB: 768,
		memory: { totalKiB: 250000, availableKiB: 240000, freeKiB: 239000, slabUnreclaimableKiB: 2400, shmemKiB: 960 },
		tainted: undefined,
	});
	t.strictSame(await session.accounts(never), {
		...{ dmaBufs: undefined, dmaBufsLocked: true, cmaUsedPages: new Map(), cmaUsedKiB: 0 },
		...{ memory: undefined, tainted: 4608 },
	});
	const message = /an ACCOUNTS frame with mem_total_kib "-1"/;
	await t.rejects(session.accounts(never), { code: 'AGENT_PROTOCOL', message });
	const other = await new ScriptedAgent((frame, peer) => peer.say('OK', frame.id)).open();
	await t.rejects(other.accounts(never), { code: 'AGENT_PROTOCOL', message: /OK frame as the answer to ACCOUNTS/ });
});

t.test('get', async (t) => {
	const total = Buffer.alloc(8);
	total.writeBigUInt64LE(6n);
	const agent = new ScriptedAgent((frame, peer) => {
		if (frame.type !== 'GET') return;
		const path = frame.payload.subarray(8).toString();
		if (path === '/hangs') return;
		peer.say('GET_DATA', frame.id, 'abc');
		if (path === '/long') peer.say('ERROR', frame.id, 'it is longer than 4 bytes');
		else peer.say('GET_DATA', frame.id, 'def');
		if (path === '/short') peer.say('GET_END', frame.id, Buffer.alloc(8));
		if (path === '/ok') peer.say('GET_END', frame.id, total);
	});
	const session = await agent.open();
	t.equal((await session.get('/ok', 6, never)).toString(), 'abcdef');
	await t.rejects(session.get('/long', 4, never), { code: 'GET_REFUSED', message: /hand out \/long: it is longer/ });
	const signal = abortedAfter(10);
	await t.rejects(session.get('/hangs', 4, signal), { message: 'time is up' }, 'an abort is not kept waiting');
	agent.say('ERROR', 3, 'ended on request');
	t.equal((await session.get('/ok', 6, never)).toString(), 'abcdef', 'late words of an aborted one do no harm');
	await t.rejects(session.get('/ok', 5, never), { code: 'AGENT_PROTOCOL', message: /more of \/ok than the 5 bytes/ });
	const other = await new ScriptedAgent((frame, peer) => {
		peer.say('GET_DATA', frame.id, 'abc');
		peer.say('GET_END', frame.id, total);
	}).open();
	await t.rejects(other.get('/x', 9, never), {
		code: 'AGENT_PROTOCOL',
		message: /3 bytes of \/x and an end that says/,
	});
});

t.test('put', async (t) => {
	let received = 0;
	const agent = new ScriptedAgent((frame, peer) => {
		if (frame.type === 'PUT_BEGIN' && frame.payload.toString() === '/full') {
			peer.say('ERROR', frame.id, 'big: cannot write: No space left on device');
		}
		if (frame.type === 'PUT_DATA') received += frame.payload.length;
		if (frame.type === 'PUT_END') peer.say('OK', frame.id);
	});
	const session = await agent.open();
	await session.put('/programs', Readable.from([Buffer.alloc(200_000), Buffer.alloc(1)]), never);
	t.equal(received, 200_001, 'any size of chunk');

	const endless = Readable.from(
		(async function* () {
			for (;;) {
				yield Buffer.alloc(100_000);
				await sleep(1);
			}
		})(),
	);
	await t.rejects(session.put('/full', endless, never), {
		code: 'PUT_REFUSED',
		message: /unpacking in \/full: big: cannot write: No space left/,
	});
	t.ok(endless.destroyed, 'a refused stream is not read on');

	const stalled = new Readable({ read() {} });
	await t.rejects(session.put('/programs', stalled, abortedAfter(10)), { message: 'time is up' });
	t.ok(stalled.destroyed);

	const torn = Readable.from(
		(async function* () {
			yield Buffer.alloc(10);
			throw new Error('the disk is gone');
		})(),
	);
	await t.rejects(session.put('/programs', torn, never), { message: 'the disk is gone' });
	await sleep(5);
	t.equal(agent.heard.at(-1)?.type, 'KILL', 'the agent is told to forget it');
	await t.rejects(session.put('', Readable.from([]), never), { code: 'REQUEST_MALFORMED' });
});

t.test('a slow guest holds the source up', async (t) => {
	const agent = new ScriptedAgent();
	const session = await agent.open();
	agent.far.pause();
	let produced = 0;
	const source = Readable.from(
		(async function* () {
			for (let i = 0; i < 100; i++) {
				produced += 65536;
				yield Buffer.alloc(65536);
			}
		})(),
	);
	const put = session.put('/programs', source, never);
	await sleep(100);
	t.ok(produced < 10 * 65536, `only ${produced} bytes were taken`);
	const finished = t.rejects(put, { code: 'AGENT_GONE' });
	session.close();
	await finished;
});
