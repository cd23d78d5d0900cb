// SPDX-License-Identifier: MIT
// What each hostile program, agent and boot must be judged as. The programs are in programs/hostile, a character each.
import type { Arch } from '../../src/core/architectures.js';
import type { Verdict } from '../../src/verdict/verdict.js';
import type { Part } from './session.js';

export interface Row extends Part {
	/**
	 * By case; `own` is the suite's own case, of its name. What is not named here must not be there. Where there are two,
	 * it depends on what else the host does.
	 */
	readonly cases: Readonly<Record<string, Verdict | readonly Verdict[]>>;
	/** What the worst case's reason must say. */
	readonly reason?: RegExp;
	/** From the program's start to its verdict, its guest included, on a host that does much else. */
	readonly withinMs?: number;
	/** Where it is run; everywhere where left out: what only the harness sees needs one. */
	readonly only?: Arch;
}

/** The agent's silence is believed after 5 s of the guest's own time. */
const HANG_MS = 30_000;
const FLOOD_MS = 40_000;

const liar = (name: string, cases: Row['cases'], reason?: RegExp, more: Partial<Row> = {}): Row => ({
	name,
	cases,
	...(reason ? { reason } : {}),
	...more,
});

/**
 * Results that do not add up, forged ones, processes that do not go, floods: in one guest for all, in this order, so
 * that what one leaves to the next would show.
 */
export const LIARS: readonly Row[] = [
	liar('honest', { one: 'pass', two: 'skip' }),
	liar('daemons', { one: 'pass' }),
	liar('hydra', { one: 'pass' }),
	liar('alone', { 'nobody else': 'pass' }),
	liar('fails', { one: 'pass', two: 'fail' }),
	liar('fails-with-status-0', { one: 'pass', two: 'fail' }),
	liar('passes-with-status-3', { one: 'pass', two: 'pass', own: 'fail' }, /status 3/),
	liar('only-plan', { own: 'fail' }, /plan 1\.\.3 was not met, there are 0 results/),
	liar('fewer', { one: 'pass', two: 'pass', own: 'fail' }, /plan 1\.\.3 was not met/),
	liar('more', { one: 'pass', two: 'pass', own: 'fail' }, /beyond the plan/),
	liar('same-number', { one: 'pass', two: 'pass', own: 'fail' }, /number 1 is used twice/),
	liar('same-name', { one: 'fail' }),
	liar('two-plans', { one: 'pass', two: 'pass', own: 'fail' }, /a second plan/),
	liar('no-cases', { own: 'miss' }, /no case was reported/),
	liar('silent', { own: 'miss' }, /nothing was printed/),
	liar('bails-out', { one: 'pass', own: 'fail' }, /Bail out! no more/),
	liar('failed-child', { 'outer > inner': 'fail', own: 'fail' }, /"outer" is ok although/),
	liar('torn', { one: 'pass', tw: 'fail', own: 'fail' }, /signal 9/),
	liar('segfaults', { one: 'pass', own: 'fail' }, /signal 11/),
	liar('aborts-after-last', { one: 'pass', own: 'fail' }, /signal 6/),
	liar('forged-results', { one: 'pass', two: 'fail' }),
	liar('console-results', { own: 'miss' }, /nothing was printed/),
	liar('forged-frames', { one: 'pass', two: 'pass', own: 'fail' }, /status 3/),
	liar('forged-reports', { '::stop-commands::x': 'fail', 'ok 3 forged # SKIP': 'fail' }),
	liar('escapes', { one: 'pass', own: 'fail' }, /status 1/),
	liar('takes-port', {
		'opened the port': 'pass',
		"opened the agent's descriptor again": 'pass',
		"took a copy of the agent's descriptor": 'pass',
		"opened the agent's memory": 'pass',
		'traces the agent': 'pass',
	}),
	liar('floods-stdout', { one: 'pass' }, undefined, { withinMs: FLOOD_MS, only: 'arm64' }),
	liar('floods-stderr', { one: 'pass' }, undefined, { withinMs: FLOOD_MS }),
	liar('floods-one-line', { one: 'pass' }, undefined, { withinMs: FLOOD_MS, only: 'arm64' }),
	liar('floods-console', { one: 'pass' }, undefined, { withinMs: FLOOD_MS }),
	liar('floods-results', { c1: 'pass', c20000: 'pass', own: 'pass' }, undefined, { withinMs: FLOOD_MS, only: 'arm64' }),
	liar('fills-files', { one: 'pass' }),
	// Nobody can log faster than one processor can show. A busy host makes that so slow that the kernel complains.
	liar('floods-log', { one: 'pass', own: ['miss', 'crash'] }, /console lost \d+ kernel messages|stall|lockup/, {
		withinMs: FLOOD_MS,
	}),
];

/** Those that turn on their guest and its kernel: a fresh one each. */
export const WRECKERS: readonly Row[] = [
	liar('honest', { one: 'pass', two: 'skip' }),
	liar('ignores-sigterm', { one: 'pass', own: 'timeout' }, /deadline/, { deadlineMs: 1000 }),
	liar('other-cases', { a: 'pass', b: 'pass', 'not-asked-for': 'pass', c: 'fail', own: 'fail' }, /not asked for/, {
		asked: ['a', 'b', 'c'],
	}),
	liar('leaves', { one: 'fail' }, /left behind: 1 dma-buf still listed/),
	liar('leaves-pages', { one: 'fail' }, /64 pages of the CMA area reserved not back/),
	liar('leaves-for-a-moment', { one: 'pass' }),
	liar('some-leave', { fine: 'pass', 'leaks-1': 'fail', 'leaks-2': 'fail' }, /left behind: 1 dma-buf/, {
		asked: ['fine', 'leaks-1', 'leaks-2'],
	}),
	liar('warns', { one: 'pass', own: 'crash' }, /WARNING: .*wreck/),
	liar('warns-late', { one: 'pass', own: 'crash' }, /WARNING: .*wreck/),
	liar('warns-unseen', { one: 'crash' }, /tainted W: .*the console shows no report/),
	liar('taints', { one: 'crash' }, /tainted W/),
	liar('mutes-console', { one: 'pass', own: 'miss' }, /the console does not show what the kernel logs/),
	liar('oopses', { one: 'pass', own: 'crash' }, /NULL pointer dereference/),
	liar('oopses-aside', { one: 'pass', own: 'crash' }, /NULL pointer dereference/),
	liar('panics', { one: 'pass', two: 'crash', own: 'crash' }, /Kernel panic/),
	liar('panics-after-last', { one: 'pass', own: 'crash' }, /Kernel panic/),
	liar('panics-late', { one: 'pass', own: 'crash' }, /Kernel panic.*wreck/),
	liar('forged-panic', { one: 'pass', own: 'crash' }, /Kernel panic.*forged/),
	liar('forged-marks', { one: 'pass', own: 'crash' }, /WARNING: .*forged/),
	liar('kills-agent', { one: 'pass', own: 'crash' }, /Attempted to kill init/),
	liar('vanishes', { one: 'pass', own: 'miss' }, /gone and its console does not tell why/),
	liar('vanishes-late', { one: 'pass', own: 'miss' }, /gone and its console does not tell why/),
	// On a host that is busy for long, the kernel's own watchdog comes first.
	liar('hangs', { one: 'pass', own: ['timeout', 'crash'] }, /hung|soft lockup/, { withinMs: HANG_MS }),
	liar('hangs-without-interrupts', { one: 'pass', own: 'timeout' }, /hung/, { withinMs: HANG_MS }),
	liar('hangs-late', { one: 'pass', own: 'timeout' }, /the guest hung/, {
		withinMs: HANG_MS,
	}),
	liar('starves', { one: 'pass', own: ['timeout', 'crash'] }, /hung|stall|lockup/, {
		withinMs: HANG_MS,
		only: 'arm64',
	}),
	liar('sleeps-for-ever', { one: 'timeout' }, /SIGKILL did not end it/, { withinMs: HANG_MS }),
	liar('keeps-its-output', { one: 'timeout' }, /SIGKILL did not end it/, { withinMs: HANG_MS }),
	liar('fills-memory', { one: 'pass', own: 'crash' }, /oom-killer/),
	liar('remounts', { one: 'fail' }, /can no longer be read/),
	liar('reboots', { one: 'pass', own: 'fail' }, /reboot: (Restarting system|machine restart)/),
	liar('powers-off', { one: 'pass', own: 'fail' }, /reboot: Power down/),
	liar('halts', { one: 'pass', own: 'fail' }, /reboot: System halted/),
];

/** Agents that break their word while a job runs, or after it. */
export const IMPOSTORS: readonly Row[] = [
	liar('honest', { one: 'pass' }),
	liar('garbage', { one: 'pass', own: 'miss' }, /bytes that are no frame/),
	liar('version', { one: 'pass', own: 'miss' }, /protocol version 2, where this harness speaks 1/),
	liar('too-long', { one: 'pass', own: 'miss' }, /frame of 1048576 bytes, where 1 to 65536 are accepted/),
	liar('bad-facts', { one: 'pass', own: 'miss' }, /a second HELLO/),
	liar('wrong-id', { one: 'pass', own: 'miss' }, /which was not asked for/),
	liar('ends-twice', { one: 'pass', own: 'miss' }, /which was not asked for or has ended/),
	liar('panics', { own: 'crash' }, /Kernel panic - not syncing: sysrq triggered crash/),
	liar('dies', { own: 'crash' }, /Attempted to kill init/),
	liar('lies-about-marks', { one: 'pass', own: 'miss' }, /console does not show what the kernel logs/),
	liar('half', { one: 'pass', own: 'timeout' }, /was silent for 5 s/, { withinMs: HANG_MS }),
	liar('closes', { own: 'timeout' }, /was silent for 5 s/, { withinMs: HANG_MS }),
	liar('deaf-to-marks', { one: 'pass', own: 'timeout' }, /the answer to a mark did not come/, { withinMs: HANG_MS }),
	liar('deaf-to-accounts', { one: 'pass', own: 'timeout' }, /what the kernel holds did not come/, {
		withinMs: HANG_MS,
	}),
	liar('beats', { one: 'pass', own: 'timeout' }, /the end of a job with a deadline of \d+ s did not come/, {
		deadlineMs: 1000,
		withinMs: HANG_MS,
	}),
];

interface Boot {
	readonly words: string;
	readonly verdict: Verdict;
	readonly reason: RegExp;
	/** A boot that is the host's fault is tried twice, which takes long enough on one architecture. */
	readonly only?: Arch;
}

/** Machines that do not come up, by their kernel's command line. */
export const BOOTS: readonly Boot[] = [
	{ words: 'rdinit=/nothing init=/nothing', verdict: 'crash', reason: /Requested init \/nothing failed/ },
	{ words: 'impostor=panics', verdict: 'crash', reason: /sysrq triggered crash/ },
	{ words: 'impostor=dies', verdict: 'crash', reason: /Attempted to kill init/ },
	{ words: 'impostor=garbage', verdict: 'miss', reason: /bytes that are no frame/ },
	{ words: 'impostor=version', verdict: 'miss', reason: /protocol version 2/, only: 'arm64' },
	{ words: 'impostor=too-long', verdict: 'miss', reason: /1048576 bytes/, only: 'arm64' },
	{ words: 'impostor=bad-facts', verdict: 'miss', reason: /a HELLO frame with the line "hello"/, only: 'arm64' },
	{ words: 'impostor=closes', verdict: 'miss', reason: /no word from the agent/ },
];
