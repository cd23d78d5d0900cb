// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import t from 'tap';
import { FencepostError, infrastructureError } from '../../src/core/errors.js';
import type {
	Guest,
	GuestAccounts,
	GuestEnd,
	GuestFacts,
	Job,
	JobOutcome,
	JobOutput,
} from '../../src/machine/machine.js';
import type { Assignment } from '../../src/run/assignment.js';
import { type AttemptEnd, type Judged, runAssignment } from '../../src/run/attempt.js';
import { ConsoleWatch } from '../../src/run/console-watch.js';
import { hostBusyness, moduleDeadlineMs, programDeadlineMs } from '../../src/run/deadlines.js';
import { lastWords } from '../../src/run/last-words.js';
import type { LaunchedGuest } from '../../src/run/launch.js';
import { loadModules, unloadAssignments } from '../../src/run/module-load.js';

const CLEAN: GuestAccounts = {
	dmaBufs: { count: 0, bytes: 0 },
	dmaBufsLocked: false,
	cmaUsedPages: new Map([['reserved', 16]]),
	cmaUsedKiB: 64,
	memory: { totalKiB: 250_000, availableKiB: 200_000, freeKiB: 200_000, slabUnreclaimableKiB: 4000, shmemKiB: 0 },
	tainted: 0,
};
const LEAKED = { ...CLEAN, dmaBufs: { count: 1, bytes: 4096 } };
const ENDED: JobOutcome = {
	status: 0,
	signal: undefined,
	timedOut: false,
	wallMs: 1,
	userMs: 0,
	systemMs: 0,
	maxRssKiB: 0,
	stuck: false,
};
const OOPS =
	'[    1.0] Internal error: Oops: 0000000096000005 [#1] PREEMPT SMP\n' +
	'[    1.0] pc : dma_buf_release+0x1c/0x40\n[    1.0] ---[ end trace 0000000000000000 ]---\n';
const WARNING =
	'[    2.0] WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-buf.c:188 dma_buf_release+0x1c/0x40\n' +
	'[    2.0] ---[ end trace 0000000000000000 ]---\n';

/** A guest that does what a test says, in the order in which it is asked. */
class PuppetGuest implements Guest {
	readonly facts = { release: '6.12.107' } as GuestFacts;
	readonly watch = new ConsoleWatch();
	readonly asked: string[] = [];
	readonly deadlinesMs: number[] = [];
	readonly ended: Promise<GuestEnd>;
	/** What the accounts say, one after the other; the last again and again. */
	accountsSaid: (GuestAccounts | Error)[] = [CLEAN];
	job: (output: JobOutput, stopped: Promise<never>) => Promise<JobOutcome> = async () => ENDED;
	settling: () => Promise<void> = async () => {};
	private finish: (end: GuestEnd) => void = () => {};

	constructor() {
		this.ended = new Promise((resolve) => {
			this.finish = resolve;
		});
	}

	get launched(): LaunchedGuest {
		return { id: '1', guest: this, watch: this.watch, consoleFile: 'c', slowness: 1 };
	}

	say(text: string): void {
		this.watch.push(Buffer.from(text));
	}

	end(end: Partial<GuestEnd>): void {
		this.watch.end();
		this.finish({ kind: 'died', status: 0, signal: undefined, stderr: '', ...end });
	}

	run(job: Job, output: JobOutput): Promise<JobOutcome> {
		this.asked.push('run');
		this.deadlinesMs.push(job.deadlineMs);
		const gone = this.ended.then(() => Promise.reject(infrastructureError('AGENT_GONE', 'the connection ended')));
		gone.catch(() => {});
		return Promise.race([this.job(output, gone), gone]);
	}

	async put(): Promise<void> {}

	get(): Promise<Uint8Array> {
		return Promise.reject(new Error('no files'));
	}

	async accounts(): Promise<GuestAccounts> {
		this.asked.push('accounts');
		const said = (this.accountsSaid.length > 1 ? this.accountsSaid.shift() : this.accountsSaid[0]) ?? CLEAN;
		if (said instanceof Error) throw said;
		return said;
	}

	settleConsole(): Promise<void> {
		this.asked.push('settle');
		return this.settling();
	}

	async stop(): Promise<void> {
		this.asked.push('stop');
		this.end({ kind: 'stopped', status: undefined, signal: 'SIGKILL' });
	}
}

const never = new AbortController().signal;
const listed = (name: string) => ({ case: name, catalogue: 'ALLOC-01', needs: [] });

function assignment(...cases: string[]): Assignment {
	const suite = { name: 'suite', guestPath: '/s', args: [], file: undefined, option: undefined };
	const known = cases.length > 0 ? cases.map(listed) : undefined;
	return { suite: { ...suite, cases: known }, subject: '', cases: known };
}

interface Ran {
	readonly judged: readonly Judged[];
	readonly end: AttemptEnd;
	/** `verdict case: reason`, one each. */
	readonly lines: readonly string[];
}

async function run(puppet: PuppetGuest, what: Assignment): Promise<Ran> {
	const judged: Judged[] = [];
	const end = await runAssignment(puppet.launched, what, new Set(), never, (one) => judged.push(one));
	return { judged, end, lines: judged.map(said) };
}

const said = (one: Judged) => `${one.verdict} ${one.case}${one.reason === '' ? '' : `: ${one.reason}`}`;

const prints = (text: string) => async (output: JobOutput) => {
	output.stdout(Buffer.from(text));
	return ENDED;
};

t.test('accounts go out with the program and behind it; what was held after one is held before the next', async (t) => {
	const puppet = new PuppetGuest();
	puppet.job = prints('1..1\nok 1 one\n');
	const { lines, end } = await run(puppet, assignment());
	t.same(lines, ['pass one']);
	t.same(end, { unreached: [], guestUsedUp: false, leaks: [] });
	t.same(puppet.asked, ['accounts', 'run', 'accounts', 'settle'], 'the mark behind the accounts, neither waited for');
	await run(puppet, assignment());
	t.same(puppet.asked.slice(4), ['run', 'accounts', 'settle']);
});

t.test('what is left behind fails, and its guest is not used again', async (t) => {
	const stays = new PuppetGuest();
	stays.job = prints('1..1\nok 1 one\n');
	stays.accountsSaid = [CLEAN, LEAKED];
	const only = await run(stays, assignment('one'));
	t.match(only.lines, [/^fail one: left behind: 1 dma-buf still listed/]);
	t.equal(only.end.guestUsedUp, true);
	t.equal(only.end.leaks[0]?.kind, 'dma-buf');
	t.equal(stays.asked.at(-1), 'settle', 'what the kernel said meanwhile is heard too');

	const late = new PuppetGuest();
	late.job = prints('1..1\nok 1 one\n');
	late.accountsSaid = [CLEAN, LEAKED, CLEAN];
	t.same((await run(late, assignment('one'))).lines, ['pass one'], 'given back by delayed work');

	const module = new PuppetGuest();
	module.job = prints('1..1\nok 1 one\n');
	module.accountsSaid = [CLEAN, { ...CLEAN, cmaUsedPages: new Map([['reserved', 32]]) }];
	const held = await run(module, { ...assignment('one'), mayHold: true });
	t.same(held.lines, ['pass one'], 'a module may hold what it likes');
	t.equal(held.end.guestUsedUp, false);
});

t.test('a taint without a report, and a process that does not die', async (t) => {
	const tainted = new PuppetGuest();
	tainted.job = prints('1..1\nok 1 one\n');
	tainted.accountsSaid = [CLEAN, { ...CLEAN, tainted: 1 << 9 }];
	t.match((await run(tainted, assignment('one'))).lines, [/^crash one: the kernel is tainted W/]);

	const stuck = new PuppetGuest();
	stuck.job = async (output) => ({ ...(await prints('1..1\nok 1 one\n')(output)), stuck: true });
	const ran = await run(stuck, assignment('one'));
	t.match(ran.lines, [/^timeout one: the kernel holds on to what it started/]);
	t.equal(ran.end.guestUsedUp, true);
});

t.test('a guest lost after its program had ended is judged by how it was lost', async (t) => {
	const hung = new FencepostError({ code: 'GUEST_HUNG', blame: 'kernel', message: 'no answer within 10 s' });
	const blind = infrastructureError('CONSOLE_BLIND', 'the console does not show what the kernel logs');
	const table: [string, (puppet: PuppetGuest) => void, RegExp][] = [
		['hung', (puppet) => (puppet.settling = () => Promise.reject(hung)), /^timeout suite: when .* the guest hung/],
		[
			'blind',
			(puppet) => (puppet.settling = () => Promise.reject(blind)),
			/^miss suite: when the program had ended: the console does not show/,
		],
		['silent', (puppet) => (puppet.accountsSaid = [CLEAN, hung]), /^timeout suite: when .* no answer within 10 s/],
		[
			'off',
			(puppet) => {
				puppet.accountsSaid = [CLEAN, infrastructureError('AGENT_GONE', 'the connection ended')];
				puppet.job = async (output) => {
					puppet.say('[    3.0] reboot: Power down\n');
					puppet.end({});
					return prints('1..1\nok 1 one\n')(output);
				};
			},
			/^fail suite: when .* turned off or started again: reboot: Power down/,
		],
	];
	for (const [what, arrange, expected] of table) {
		const puppet = new PuppetGuest();
		puppet.job = prints('1..1\nok 1 one\n');
		arrange(puppet);
		const { lines, end } = await run(puppet, assignment());
		t.match(lines, ['pass one', expected], what);
		t.equal(end.guestUsedUp, true, what);
	}
});

t.test('what was printed before a severe report is kept; cases begun after it are run again elsewhere', async (t) => {
	const puppet = new PuppetGuest();
	puppet.job = (output, stopped) => {
		puppet.say('fencepost: case one subject x\n');
		puppet.say(OOPS);
		puppet.say('fencepost: case two subject x\n');
		setTimeout(() => output.stdout(Buffer.from('1..3\nok 1 one\nok 2 two\n')), 50);
		return stopped;
	};
	const { lines, end } = await run(puppet, assignment('one', 'two', 'three'));
	t.match(lines, [/^crash one: Internal error: Oops/]);
	t.same(
		end.unreached.map((one) => one.case),
		['two', 'three'],
		'two passed in a kernel that cannot be trusted',
	);
	t.ok(puppet.asked.includes('stop'));

	const orderly = new PuppetGuest();
	orderly.job = async (output) => {
		orderly.say(`fencepost: case one subject x\n${OOPS}fencepost: case two subject x\n`);
		return prints('1..2\nnot ok 1 one\nok 2 two\n')(output);
	};
	const ran = await run(orderly, assignment('one', 'two'));
	t.match(ran.lines, [/^crash one/]);
	t.equal(ran.end.guestUsedUp, true);
	t.same(
		ran.end.unreached.map((one) => one.case),
		['two'],
		'although it went on to its end',
	);
});

t.test('who answers for a guest’s end', async (t) => {
	const ends = (text: string, output: string) => (puppet: PuppetGuest) => {
		puppet.job = async (out, stopped) => {
			puppet.say(text);
			out.stdout(Buffer.from(output));
			puppet.end({});
			return stopped;
		};
	};
	const marked = (name: string) => `fencepost: case ${name} subject x\n`;
	const panic = '[    1.0] Kernel panic - not syncing: Fatal exception\n';
	const table: [string, (puppet: PuppetGuest) => void, readonly RegExp[], readonly string[]][] = [
		['the one that ran', ends(marked('one') + panic, '1..3\n'), [/^crash one/], ['two', 'three']],
		[
			'the one that had just been reported, not the next',
			ends(marked('one') + panic, '1..3\nok 1 one\n'),
			[/^crash one/],
			['two', 'three'],
		],
		[
			'the first that is silent, where nothing tells',
			ends('', '1..3\nok 1 one\n'),
			[/^pass one/, /^miss two/],
			['three'],
		],
		[
			'a machine turned off',
			ends(`${marked('one')}reboot: Restarting system\n`, '1..3\n'),
			[/^fail one/],
			['two', 'three'],
		],
	];
	for (const [what, arrange, expected, left] of table) {
		const puppet = new PuppetGuest();
		arrange(puppet);
		const { lines, end } = await run(puppet, assignment('one', 'two', 'three'));
		t.match(lines, expected, what);
		t.equal(lines.length, expected.length, what);
		t.same(
			end.unreached.map((one) => one.case),
			left,
			what,
		);
	}
});

t.test('a program that cannot be started, or whose console cannot be kept, is a miss in plain words', async (t) => {
	for (const code of ['JOB_NOT_STARTED', 'CONSOLE_UNWRITTEN', 'AGENT_PROTOCOL']) {
		const puppet = new PuppetGuest();
		puppet.job = () => Promise.reject(infrastructureError(code, 'it cannot'));
		const { lines, end } = await run(puppet, assignment());
		t.same(lines, ['miss suite: it cannot'], code);
		t.equal(end.guestUsedUp, true);
	}
});

t.test('last words: what a guest says when its work is done is the suite’s own', async (t) => {
	const quiet = new PuppetGuest();
	t.equal(await lastWords(quiet.launched, 'suite', never), undefined);
	t.same(quiet.asked, ['settle', 'stop']);

	const late = new PuppetGuest();
	setTimeout(() => late.say(WARNING), 50);
	const warned = await lastWords(late.launched, 'suite', never);
	t.match(warned && said(warned), /^crash suite: after its program had ended: WARNING: .*dma_buf_release/);

	const panics = new PuppetGuest();
	setTimeout(() => {
		panics.say('[    1.0] Kernel panic - not syncing: late\n');
		panics.end({});
	}, 50);
	const panicked = await lastWords(panics.launched, 'suite', never);
	t.match(panicked && said(panicked), /^crash suite: after its program had ended: Kernel panic - not syncing: late/);

	const off = new PuppetGuest();
	setTimeout(() => {
		off.say('[    1.0] reboot: Power down\n');
		off.end({});
	}, 50);
	const turned = await lastWords(off.launched, 'suite', never);
	t.match(turned && said(turned), /^fail suite: .*turned off or started again/);

	const gone = new PuppetGuest();
	setTimeout(() => gone.end({ kind: 'killed', signal: 'SIGKILL' }), 50);
	const killed = await lastWords(gone.launched, 'suite', never);
	t.match(killed && said(killed), /^miss suite: .*QEMU was killed by SIGKILL/);

	const hangs = new PuppetGuest();
	hangs.settling = () =>
		Promise.reject(new FencepostError({ code: 'GUEST_HUNG', blame: 'kernel', message: 'no answer' }));
	const hung = await lastWords(hangs.launched, 'suite', never);
	t.match(hung && said(hung), /^timeout suite: .*the guest hung: no answer/);
});

t.test('a module has a case’s time to get in and out, and the kernel its own to complain', async (t) => {
	for (const [slowness, ms] of [
		[1, 25_000],
		[2, 25_000],
		[6, 60_000],
		[12, 120_000],
	] as const) {
		t.equal(moduleDeadlineMs(slowness), ms, `slowness ${slowness}`);
		t.ok(ms < programDeadlineMs(1, slowness), 'less than a program of the user’s own');
	}
	const file = join(t.testdir({ 'm.ko': '' }), 'm.ko');
	const built = { name: 'm', directory: t.testdirName, modules: [{ name: 'm', file }], notes: [] };
	const puppet = new PuppetGuest();
	puppet.job = async () => ({ ...ENDED, status: undefined, signal: 9, timedOut: true });
	const verdicts: string[] = [];
	const before = hostBusyness();
	const load = await loadModules(puppet.launched, [built], [], never, (_, judged) => verdicts.push(said(judged)));
	const accepted = [before, hostBusyness()].map(moduleDeadlineMs);
	t.ok(accepted.includes(puppet.deadlinesMs[0] ?? 0), `${puppet.deadlinesMs} is ${accepted}`);
	t.same(verdicts, ['timeout module.m.load: its deadline was over and it was killed']);
	t.notOk(load.usable);
	t.equal(unloadAssignments([built], load)[0]?.deadlineMs, moduleDeadlineMs);
});
