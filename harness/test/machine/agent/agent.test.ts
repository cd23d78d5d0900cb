// SPDX-License-Identifier: MIT
// The real agent, compiled for this host with the address and undefined-behaviour sanitizers, as an ordinary process.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { create } from 'tar';
import { encodeFrame, FrameDecoder } from '../../../src/machine/agent/frame.js';
import type { AgentJobOutcome } from '../../../src/machine/agent/payload.js';
import { AgentSession } from '../../../src/machine/agent/session.js';

const scratch = t.testdir();
const binary = join(scratch, 'agent');
const sources = readdirSync('guest/agent').filter((name) => name.endsWith('.c'));
execFileSync('gcc', [
	...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined'],
	...['-fno-sanitize-recover=all', '-o', binary, ...sources.map((name) => join('guest/agent', name))],
]);

const never = new AbortController().signal;
// Hundreds of requests wait at once, each of which listens.
setMaxListeners(0, never);

/** An agent, and what a sanitizer said of it. */
class Agent {
	readonly process: ChildProcess;
	readonly stream: Duplex;
	readonly ended: Promise<number | null>;
	stderr = '';

	constructor() {
		// Its fourth descriptor is one end of a pair of sockets.
		this.process = spawn(binary, ['serve', '3'], {
			stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
			env: { ASAN_OPTIONS: 'detect_leaks=0' },
		});
		const stream = this.process.stdio[3];
		if (!(stream instanceof Duplex)) throw new Error('node gives no socket for a pipe');
		this.stream = stream;
		this.process.stderr?.on('data', (chunk) => {
			this.stderr += chunk;
		});
		this.ended = new Promise((resolve) => this.process.once('close', resolve));
	}
	open(): Promise<AgentSession> {
		return AgentSession.open(this.stream, { signal: never, deadlineMs: 20_000 });
	}
}

async function withAgent(t: Test, work: (session: AgentSession, agent: Agent) => Promise<void>): Promise<void> {
	const agent = new Agent();
	const session = await agent.open();
	try {
		await work(session, agent);
	} finally {
		session.close();
		t.equal(await agent.ended, 0, 'the agent ends when its host does');
		t.equal(agent.stderr, '', 'and no sanitizer has a word to say');
	}
}

interface Shell {
	readonly outcome: AgentJobOutcome;
	readonly stdout: string;
	readonly stderr: string;
	readonly stdoutBytes: number;
}

async function shell(session: AgentSession, script: string, deadlineMs = 20_000, signal = never): Promise<Shell> {
	let [stdout, stderr, stdoutBytes] = ['', '', 0];
	const output = {
		stdout: (chunk: Uint8Array) => {
			stdoutBytes += chunk.length;
			if (stdout.length < 10_000) stdout += Buffer.from(chunk).toString();
		},
		stderr: (chunk: Uint8Array) => {
			stderr += Buffer.from(chunk).toString();
		},
	};
	const job = { program: '/bin/sh', args: ['-c', script], env: { PATH: '/usr/bin:/bin', A: 'b c' }, deadlineMs };
	const outcome = await session.run(job, output, signal);
	return { outcome, stdout, stderr, stdoutBytes };
}

function alive(pid: string): boolean {
	return existsSync(`/proc/${pid.trim()}`);
}

t.test('facts', (t) =>
	withAgent(t, async (session) => {
		t.equal(session.facts.release, execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim());
		t.equal(session.facts.hardware, execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim());
		t.equal(session.facts.pageSize, Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })));
		const total = /MemTotal: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
		t.equal(session.facts.memTotalKiB, Number(total));
		t.match(session.facts.more.get('uptime_ms'), /^\d+$/);
	}),
);

t.test('jobs', (t) =>
	withAgent(t, async (session) => {
		const plain = await shell(session, 'echo "$A"; echo oh >&2; exit 3');
		t.match(plain, {
			stdout: 'b c\n',
			stderr: 'oh\n',
			outcome: { status: 3, timedOut: false, strays: 0, stuck: false },
		});
		t.ok(plain.outcome.wallMs > 0 && plain.outcome.maxRssKiB > 0);
		t.match(await shell(session, 'kill -SEGV $$'), { outcome: { status: undefined, signal: 11 } });

		const flood = await shell(session, 'head -c 100000000 /dev/zero');
		t.match(flood, { stdoutBytes: 100_000_000, outcome: { status: 0 } }, '100 MB of output');

		const closed = await shell(session, 'exec >&- 2>&-; sleep 0.2; exit 5');
		t.match(closed.outcome, { status: 5 });
		t.ok(closed.outcome.wallMs > 190, 'a job that closes its output is waited for');

		const daemons = await shell(session, 'for i in 1 2 3; do setsid sleep 600 & echo $!; done; exit 7');
		t.match(daemons.outcome, { status: 7, strays: 3, killed: false });
		t.notOk(daemons.stdout.split('\n').filter(Boolean).some(alive), 'nothing outlives its job');

		const beats = session.lastHeardMs;
		const slow = shell(session, 'sleep 1.3');
		await sleep(900);
		t.ok(session.lastHeardMs > beats, 'a heartbeat comes from a job that says nothing');
		await slow;
	}),
);

t.test('accounts', (t) =>
	withAgent(t, async (session) => {
		const { memory, tainted, dmaBufsLocked } = await session.accounts(never);
		const meminfo = readFileSync('/proc/meminfo', 'utf8');
		t.equal(memory?.totalKiB, Number(/^MemTotal: +(\d+)/m.exec(meminfo)?.[1]));
		t.ok(memory && memory.availableKiB > 0 && memory.slabUnreclaimableKiB > 0);
		t.equal(tainted, Number(readFileSync('/proc/sys/kernel/tainted', 'utf8')));
		t.notOk(dmaBufsLocked);
		t.match(await shell(session, 'exit 3'), { outcome: { status: 3 } }, 'and jobs run after it');
	}),
);

t.test('deadlines and aborts', (t) =>
	withAgent(t, async (session) => {
		const polite = await shell(session, 'sleep 600', 200);
		t.match(polite.outcome, { signal: 15, timedOut: true });
		const trap = 'trap "" TERM; echo $$; sleep 600 & echo $!; while :; do sleep 0.05; done';
		const stubborn = await shell(session, trap, 200);
		t.match(stubborn.outcome, { signal: 9, timedOut: true });
		t.ok(stubborn.outcome.wallMs > 690 && stubborn.outcome.wallMs < 5000, 'SIGKILL comes 500 ms after SIGTERM');
		t.notOk(stubborn.stdout.split('\n').filter(Boolean).some(alive));

		const stop = new AbortController();
		setTimeout(() => stop.abort(new Error('enough')), 200);
		const began = performance.now();
		await t.rejects(shell(session, trap, 20_000, stop.signal), { message: 'enough' });
		t.ok(performance.now() - began < 1900, 'an abort kills at once');
		t.match(await shell(session, 'echo next'), { stdout: 'next\n' });
	}),
);

t.test('jobs that cannot be started', (t) =>
	withAgent(t, async (session) => {
		const run = (program: string) =>
			session.run({ program, args: [], env: {}, deadlineMs: 1000 }, { stdout: () => {}, stderr: () => {} }, never);
		const text = join(scratch, 'text');
		writeFileSync(text, 'no program', { mode: 0o755 });
		await t.rejects(run('/nonexistent'), { code: 'JOB_NOT_STARTED', message: /No such file or directory/ });
		await t.rejects(run('/etc'), { code: 'JOB_NOT_STARTED', message: /Permission denied/ });
		await t.rejects(run(text), { code: 'JOB_NOT_STARTED', message: /Exec format error/ });
		t.match(await shell(session, 'echo next'), { stdout: 'next\n' });
	}),
);

t.test('what an ordinary process must not do', (t) =>
	withAgent(t, async (session) => {
		await t.rejects(session.setClock(0, never), { code: 'CLOCK_REFUSED', message: /not as an ordinary process/ });
		await t.rejects(session.seed(randomBytes(8), never), { code: 'SEED_REFUSED' });
		await t.rejects(session.mark('x', never), { code: 'MARK_REFUSED' }, 'it has not opened the log');
	}),
);

t.test('files in and out', (t) =>
	withAgent(t, async (session) => {
		const long = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(120)}`;
		const from = t.testdir({ bin: {}, empty: {} });
		mkdirSync(join(from, ...long.split('/').slice(0, -1)), { recursive: true });
		writeFileSync(join(from, long), 'a name that needs pax');
		writeFileSync(join(from, 'bin/tool'), '#!/bin/sh\necho tool', { mode: 0o755 });
		writeFileSync(join(from, 'größe'), randomBytes(20_000_000));
		symlinkSync('bin/tool', join(from, 'link'));
		const to = join(scratch, 'made/on/the/way');
		await session.put(to, Readable.from(create({ cwd: from }, ['.'])), never);
		execFileSync('diff', ['-r', '--no-dereference', from, to]);
		t.pass('20 MB, long names, links and empty folders arrive');
		t.equal(execFileSync(join(to, 'link'), { encoding: 'utf8' }), 'tool\n', 'modes too');
		for (const format of ['gnu', 'ustar', 'pax', 'v7', 'oldgnu']) {
			const names = format === 'v7' || format === 'ustar' ? ['bin', 'link', 'empty'] : ['.'];
			const tar = execFileSync('tar', [`--format=${format}`, '-C', from, '-cf', '-', ...names], { maxBuffer: 1e8 });
			const target = join(scratch, `by-${format}`);
			await session.put(target, Readable.from([tar]), never);
			for (const name of names) execFileSync('diff', ['-r', '--no-dereference', join(from, name), join(target, name)]);
			t.pass(`tar --format=${format}`);
		}
		await session.put(to, Readable.from(create({ cwd: from }, ['bin', 'link'])), never);
		t.pass('what is there is replaced');

		const big = join(to, 'größe');
		t.ok((await session.get(big, 20_000_000, never)).equals(readFileSync(big)), '20 MB come back');
		await t.rejects(session.get(big, 19_999_999, never), {
			code: 'GET_REFUSED',
			message: /longer than 19999999 bytes/,
		});
		t.match((await session.get('/proc/cpuinfo', 10_000_000, never)).toString(), 'processor', 'a file without a size');
		await t.rejects(session.get('/nonexistent', 1, never), { message: /No such file/ });
		await t.rejects(session.get('/dev/zero', 1, never), { message: /not a regular file/ });
		await t.rejects(session.get('relative', 1, never), { message: /not an absolute path/ });
		await t.rejects(session.put('relative', Readable.from([]), never), { message: /not an absolute path/ });
		const both = Promise.all([session.get(big, 2e7, never), shell(session, 'head -c 10000000 /dev/zero')]);
		t.equal((await both)[1].stdoutBytes, 10_000_000, 'a file goes out beside a job');
		await t.rejects(session.get(big, 2e7, AbortSignal.abort(new Error('no'))), { message: 'no' });
	}),
);

/** One entry of a tar stream, by hand: what no tar program would write. */
function entry(name: string, type: string, fields: { link?: string; data?: string; size?: string } = {}): Buffer {
	const data = Buffer.from(fields.data ?? '');
	const header = Buffer.alloc(512);
	header.write(name, 0);
	header.write('0000755\0', 100);
	header.write(fields.size ?? `${data.length.toString(8).padStart(11, '0')}\0`, 124);
	header.write('        ', 148);
	header.write(type, 156);
	header.write(fields.link ?? '', 157);
	header.write('ustar\x0000', 257);
	const sum = header.reduce((total, byte) => total + byte, 0);
	header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

const END = Buffer.alloc(1024);

t.test('a tar stream that wants out of its folder', (t) =>
	withAgent(t, async (session) => {
		const outside = join(scratch, 'outside');
		mkdirSync(outside);
		const file = (name: string) => entry(name, '0', { data: 'escaped' });
		const refused: readonly [string, Buffer[], RegExp][] = [
			['absolute', [file(`${outside}/x`)], /leads out of the directory/],
			['parent', [file('../outside/x')], /leads out/],
			['parent, in the middle', [file('a/../../outside/x')], /leads out/],
			['parent, as a folder', [entry('..', '5')], /leads out/],
			['through a link to an absolute path', [entry('l', '2', { link: outside }), file('l/x')], /leads out/],
			['through a link to a parent', [entry('l', '2', { link: '../outside' }), file('l/x')], /leads out/],
			[
				'through a link that stays',
				[entry('d', '5'), entry('l', '2', { link: 'd' }), file('l/x')],
				/through a symbolic link/,
			],
			['a folder through a link', [entry('l', '2', { link: '.' }), entry('l/x', '5')], /through a symbolic link/],
			['a hard link', [entry('h', '1', { link: '/etc/passwd' })], /h: entries of type '1' are not unpacked/],
			['a device', [entry('null', '3')], /type '3'/],
			['a fifo', [entry('fifo', '6')], /type '6'/],
			['the folder itself as a file', [entry('.', '0')], /cannot make the file: Is a directory/],
			['a file as a folder', [file('f'), file('f/x')], /f\/x: it leads out of the directory, or through/],
			['no name', [entry('', '0')], /Is a directory/],
			[
				'a name that is too long',
				[file(`${'n'.repeat(80)}/${'a'.repeat(19)}`), entry('x', 'L', { data: 'y'.repeat(300) }), file('x')],
				/File name too long/,
			],
			['a size that is no number', [entry('s', '0', { size: 'lots of it \0' })], /a size that is no octal number/],
			['a binary size', [entry('s', '0', { size: '\x80\0\0\0\0\0\0\0\0\0\0\x01' })], /a size that is no octal number/],
			['an endless extension', [entry('x', 'x', { size: '77777777777\0' })], /extended header of 8589934591 bytes/],
			['a damaged record', [entry('x', 'x', { data: '99 path=x\n' })], /damaged pax record/],
			['a record without a sign', [entry('x', 'x', { data: '9 pathxx\n' })], /damaged pax record/],
			['a pax path out', [entry('x', 'x', { data: '26 path=../../outside/xxx\n' }), file('ok')], /leads out/],
			['no end', [file('whole')], /ends before its end mark/],
			['garbage', [Buffer.alloc(512, 'garbage')], /a header whose checksum does not match/],
			['nothing', [], /ends before its end mark/],
		];
		for (const [index, [name, entries, message]] of refused.entries()) {
			const end = /ends before/.test(message.source) ? [] : [END];
			const tar = Readable.from([Buffer.concat([...entries, ...end])]);
			await t.rejects(session.put(join(scratch, `in-${index}`), tar, never), { code: 'PUT_REFUSED', message }, name);
		}
		t.strictSame(readdirSync(outside), [], 'nothing came out');
		const kept = join(scratch, 'replaced');
		mkdirSync(kept);
		symlinkSync(join(outside, 'target'), join(kept, 'l'));
		await session.put(kept, Readable.from([Buffer.concat([file('l'), END])]), never);
		t.equal(
			readFileSync(join(kept, 'l'), 'utf8'),
			'escaped',
			'a link with the name of a file is replaced, not followed',
		);
		t.strictSame(readdirSync(outside), []);
	}),
);

t.test('damaged tar streams', async (t) => {
	const from = t.testdir({ a: 'x'.repeat(700), b: { c: 'y' } });
	const good = Buffer.concat([
		execFileSync('tar', ['--format=pax', '-C', from, '-cf', '-', 'a', 'b']),
		execFileSync('tar', ['--format=gnu', '-C', from, '-cf', '-', 'a', 'b']),
	]);
	const before = readdirSync(scratch).sort();
	await withAgent(t, async (session) => {
		const target = join(scratch, 'fuzz');
		mkdirSync(target);
		const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
		await fc.assert(
			fc.asyncProperty(damage, fc.integer({ min: 1, max: 3000 }), async (flips, chunkBytes) => {
				const bytes = Buffer.from(good);
				for (const [at, value] of flips) bytes[at] = value;
				const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
					bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
				);
				const error = await session.put(target, Readable.from(chunks), never).catch((reason) => reason);
				return error === undefined || error.code === 'PUT_REFUSED';
			}),
			{ numRuns: 300 },
		);
	});
	t.strictSame(readdirSync(scratch).sort(), [...before, 'fuzz'].sort(), 'nothing was written elsewhere');
});

t.test('a harness that cannot be understood', async (t) => {
	const good = Buffer.concat([
		encodeFrame('to-guest', 'MARK', 1, Buffer.from('hello')),
		encodeFrame('to-guest', 'GET', 2, Buffer.from('\0\0\0\0\0\0\0\0/etc/hostname')),
		encodeFrame('to-guest', 'PUT_BEGIN', 3, Buffer.from(scratch)),
		encodeFrame('to-guest', 'PUT_DATA', 3, Buffer.from('garbage')),
	]);
	const say = async (bytes: Buffer): Promise<string> => {
		const agent = new Agent();
		await agent.open();
		let said = '';
		agent.stream.on('data', (chunk: Buffer) => {
			said += chunk.toString('latin1');
		});
		const answered = new Promise((resolve) => agent.stream.once('data', resolve));
		agent.stream.write(bytes);
		await Promise.race([answered, agent.ended, sleep(200)]);
		agent.stream.end();
		t.equal(await agent.ended, 0, 'the agent ends of its own accord');
		t.equal(agent.stderr, '', 'unharmed');
		return said;
	};
	const changed = (at: number, value: number) => {
		const bytes = Buffer.from(good);
		bytes[at] = value;
		return bytes;
	};
	t.match(await say(Buffer.from('GET / HTTP/1.1\r\n')), 'bytes that are no frame');
	t.match(await say(changed(4, 9)), 'another protocol version');
	t.match(await say(changed(5, 0x81)), 'a frame of unknown type');
	t.match(await say(changed(6, 1)), 'a frame with flags');
	t.match(await say(changed(14, 1)), 'a frame whose length does not fit its type');
	t.match(await say(changed(22, 0)), 'a frame whose checksum does not match');
	t.match(await say(encodeFrame('to-guest', 'RUN', 1, Buffer.alloc(40, 0xff))), 'the request makes no sense');
	const runs: readonly [number, number, string][] = [
		[1, 0, 'no NUL'],
		[0, 0, '/bin/true\0'],
		[2, 0, '/bin/true\0'],
		[1, 1, '/bin/true\0'],
		[1, 0, '/bin/true\0more\0'],
		[1, 0xffffffff, '/bin/true\0'],
		[0x80000000, 0x80000001, '/bin/true\0'],
		[1, 0, 'bin/true\0'],
	];
	for (const [argc, envc, strings] of runs) {
		const counts = Buffer.alloc(12);
		counts.writeUInt32LE(1000, 0);
		counts.writeUInt32LE(argc, 4);
		counts.writeUInt32LE(envc, 8);
		const frame = encodeFrame('to-guest', 'RUN', 1, Buffer.concat([counts, Buffer.from(strings)]));
		t.match(await say(frame), 'the request makes no sense', `${argc} ${envc} ${JSON.stringify(strings)}`);
	}
	for (let run = 0; run < 30; run++) await say(changed(Math.floor((run / 30) * good.length), run * 7));
});

t.test('an agent that is asked says again what its guest is', async (t) => {
	const agent = new Agent();
	const hellos: string[] = [];
	const decoder = new FrameDecoder('from-guest', (frame) => hellos.push(frame.type));
	agent.stream.on('data', (chunk: Buffer) => {
		decoder.push(chunk);
		if (hellos.length === 1) agent.stream.write(encodeFrame('to-guest', 'HELLO', 0));
		else agent.stream.end();
	});
	t.equal(await agent.ended, 0);
	t.strictSame(hellos, ['HELLO', 'HELLO']);
});

t.test('many small requests at once', (t) =>
	withAgent(t, async (session) => {
		const marks = Array.from({ length: 5000 }, () => session.mark('x', never).catch((error) => error.code));
		t.ok(
			(await Promise.all(marks)).every((code) => code === 'MARK_REFUSED'),
			'more answers than there is room for',
		);
	}),
);
