// SPDX-License-Identifier: MIT
// Hostile programs in real guests, on both architectures: what each must be judged as. docs/verdicts.md has the same
// table in prose. The programs are in programs/hostile, a character each, told by the name they are called by.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ARCHES, type Arch } from '../../src/core/architectures.js';
import type { CaseResult } from '../../src/results/events.js';
import { countVerdicts, exitCode } from '../../src/results/totals.js';
import type { Verdict } from '../../src/verdict/verdict.js';
import { buildCharacters, KERNEL } from './characters.js';
import { eventsOf, Fencepost, resultsOf } from './host.js';

/** Kernels may have to be built first. */
t.setTimeout(45 * 60_000);

interface Expected {
	/** By case; `own` is the suite's own case, of its name. */
	readonly cases: Readonly<Record<string, Verdict>>;
	/** What the worst case's reason must say. */
	readonly reason?: RegExp;
	/** The exit code of a run of this alone. */
	readonly exit: number;
	/** From the program's start to its verdict, a fresh guest included. */
	readonly withinMs?: number;
}

const PROMPT_MS = 20_000;
/** The agent's silence is believed after ten seconds of the guest's own time, twice. */
const HANG_MS = 60_000;
/** A hundred megabytes through an emulated machine. */
const FLOOD_MS = 90_000;

/** Those that leave their guest as it was, whatever they say: one guest judges them all. */
const LIARS: Readonly<Record<string, Expected>> = {
	honest: { cases: { one: 'pass', two: 'skip' }, exit: 0 },
	fails: { cases: { one: 'pass', two: 'fail' }, exit: 1 },
	'fails-with-status-0': { cases: { one: 'pass', two: 'fail' }, exit: 1 },
	'passes-with-status-3': { cases: { one: 'pass', two: 'pass', own: 'fail' }, reason: /status 3/, exit: 1 },
	'only-plan': { cases: { own: 'fail' }, reason: /plan 1\.\.3 was not met, there are 0 results/, exit: 1 },
	fewer: { cases: { one: 'pass', two: 'pass', own: 'fail' }, reason: /plan 1\.\.3 was not met/, exit: 1 },
	more: { cases: { one: 'pass', two: 'pass', own: 'fail' }, reason: /beyond the plan/, exit: 1 },
	'same-number': { cases: { one: 'pass', two: 'pass', own: 'fail' }, reason: /number 1 is used twice/, exit: 1 },
	'same-name': { cases: { one: 'fail' }, exit: 1 },
	'two-plans': { cases: { one: 'pass', two: 'pass', own: 'fail' }, reason: /a second plan/, exit: 1 },
	'no-cases': { cases: { own: 'miss' }, reason: /no case was reported/, exit: 3 },
	silent: { cases: { own: 'miss' }, reason: /nothing was printed/, exit: 3 },
	'bails-out': { cases: { one: 'pass', own: 'fail' }, reason: /Bail out! no more/, exit: 1 },
	'failed-child': { cases: { 'outer > inner': 'fail', own: 'fail' }, reason: /not/, exit: 1 },
	torn: { cases: { one: 'pass', tw: 'pass', own: 'fail' }, reason: /signal 9/, exit: 1 },
	segfaults: { cases: { one: 'pass', own: 'fail' }, reason: /signal 11/, exit: 1 },
	'aborts-after-last': { cases: { one: 'pass', own: 'fail' }, reason: /signal 6/, exit: 1 },
	'forged-results': { cases: { one: 'pass', two: 'fail' }, exit: 1 },
	'console-results': { cases: { own: 'miss' }, reason: /nothing was printed/, exit: 3 },
	'forged-frames': { cases: { one: 'pass', two: 'pass', own: 'fail' }, reason: /status 3/, exit: 1 },
	escapes: { cases: { one: 'pass', own: 'fail' }, reason: /status 1/, exit: 1 },
	'takes-port': {
		cases: {
			'opened the port': 'pass',
			"opened the agent's descriptor again": 'pass',
			"took a copy of the agent's descriptor": 'pass',
			"opened the agent's memory": 'pass',
			'traces the agent': 'pass',
		},
		exit: 0,
	},
	daemons: { cases: { one: 'pass' }, exit: 0 },
	hydra: { cases: { one: 'pass' }, exit: 0 },
	alone: { cases: { 'nobody else': 'pass' }, exit: 0 },
	'floods-stdout': { cases: { one: 'pass' }, exit: 0, withinMs: FLOOD_MS },
	'floods-stderr': { cases: { one: 'pass' }, exit: 0, withinMs: FLOOD_MS },
	'floods-one-line': { cases: { one: 'pass' }, exit: 0, withinMs: FLOOD_MS },
	'floods-console': { cases: { one: 'pass' }, exit: 0, withinMs: FLOOD_MS },
};

/** Those after which nobody would trust their guest, or there is none: a fresh one each. */
const WRECKERS: Readonly<Record<string, Expected>> = {
	warns: { cases: { one: 'pass', own: 'crash' }, reason: /WARNING: .*wreck/, exit: 1 },
	'warns-late': { cases: { one: 'pass', own: 'crash' }, reason: /WARNING: .*wreck/, exit: 1 },
	oopses: { cases: { one: 'pass', own: 'crash' }, reason: /NULL pointer dereference/, exit: 1 },
	panics: { cases: { one: 'pass', two: 'crash', own: 'crash' }, reason: /Kernel panic/, exit: 1 },
	'panics-after-last': { cases: { one: 'pass', own: 'crash' }, reason: /Kernel panic/, exit: 1 },
	'panics-late': { cases: { one: 'pass', own: 'crash' }, reason: /Kernel panic.*wreck/, exit: 1 },
	'forged-panic': { cases: { one: 'pass', own: 'crash' }, reason: /Kernel panic.*forged/, exit: 1 },
	'forged-marks': { cases: { one: 'pass', own: 'crash' }, reason: /WARNING: .*forged/, exit: 1 },
	hangs: { cases: { one: 'pass', own: 'timeout' }, reason: /hung/, exit: 1, withinMs: HANG_MS },
	'hangs-without-interrupts': { cases: { one: 'pass', own: 'timeout' }, reason: /hung/, exit: 1, withinMs: HANG_MS },
	starves: { cases: { one: 'pass', own: 'timeout' }, reason: /hung/, exit: 1, withinMs: HANG_MS },
	'ignores-sigterm': { cases: { one: 'pass', own: 'timeout' }, reason: /deadline/, exit: 1 },
	'floods-log': {
		cases: { one: 'pass', own: 'miss' },
		reason: /console lost \d+ kernel messages/,
		exit: 3,
		withinMs: FLOOD_MS,
	},
	'floods-results': { cases: { c1: 'pass', c20000: 'pass', own: 'pass' }, exit: 0, withinMs: FLOOD_MS },
	'fills-memory': { cases: { one: 'pass', own: 'crash' }, reason: /oom-killer/, exit: 1 },
	'fills-files': { cases: { one: 'pass' }, exit: 0 },
	remounts: { cases: { one: 'pass' }, exit: 0 },
	reboots: { cases: { one: 'pass', own: 'fail' }, reason: /reboot: (Restarting system|machine restart)/, exit: 1 },
	'powers-off': { cases: { one: 'pass', own: 'fail' }, reason: /reboot: Power down/, exit: 1 },
	halts: { cases: { one: 'pass', own: 'fail' }, reason: /reboot: System halted/, exit: 1, withinMs: HANG_MS },
	honest: { cases: { one: 'pass', two: 'skip' }, exit: 0 },
};

/** Programs whose verdict takes their deadline to be over. */
const DEADLINE_OPTIONS: string[] = [];

const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

/** The worst that a program was judged as, by case. */
function verdicts(suite: string, results: readonly CaseResult[], expected: Expected): Record<string, Verdict> {
	const judged: Record<string, Verdict> = {};
	for (const one of results) {
		const name = one.case === suite ? 'own' : one.case;
		const many = results.length > 100 && !(name in expected.cases);
		if (!many) judged[name] = judged[name] === 'fail' ? 'fail' : one.verdict;
	}
	return judged;
}

/** How long each suite took, by its first and last event. */
async function durations(directory: string): Promise<Map<string, number>> {
	const begun = new Map<string, number>();
	const took = new Map<string, number>();
	for (const event of await eventsOf(directory)) {
		if (event.type === 'suite-start') begun.set(event.group.suite, Date.parse(event.time));
		if (event.type === 'suite-end') {
			took.set(event.group.suite, Date.parse(event.time) - (begun.get(event.group.suite) ?? 0));
		}
	}
	return took;
}

async function judge(
	t: Test,
	arch: Arch,
	isolate: string,
	table: Readonly<Record<string, Expected>>,
	options: readonly string[] = [],
): Promise<void> {
	const directory = t.testdir();
	const program = await buildCharacters(arch, directory, Object.keys(table));
	const programs = Object.keys(table).flatMap((name) => ['--program', program(name)]);
	const out = join(directory, 'run');
	const words = ['run', '--kernel', KERNEL, '--arch', arch, '--isolate', isolate, '--out', out];
	const run = new Fencepost([...words, ...options, ...programs]);
	const { status, stderr } = await run.done;
	t.equal(status, 1, 'exit code', { stderr: stderr.slice(-2000) });
	t.notMatch(stderr, CONTROL, 'no control character of a guest reaches the terminal');
	t.same(run.leftovers(), [], 'nothing is left running');
	const { results } = await resultsOf(out);
	const took = await durations(out);
	for (const [name, expected] of Object.entries(table)) {
		const own = results.filter(({ suite }) => suite === name);
		t.same(verdicts(name, own, expected), expected.cases, `${arch} ${name}`);
		t.equal(exitCode(countVerdicts(own)), expected.exit, `${arch} ${name}: exit`);
		const worst = own.find((one) => one.case === name) ?? own.find(({ verdict }) => verdict !== 'pass');
		if (expected.reason) t.match(worst?.reason, expected.reason, `${arch} ${name}: reason`);
		const limitMs = expected.withinMs ?? PROMPT_MS;
		t.ok((took.get(name) ?? limitMs) < limitMs, `${arch} ${name}: judged in ${took.get(name)} ms`);
	}
}

for (const arch of ARCHES) {
	t.test(`${arch}: programs that lie, and leave their guest as it was`, (t) => judge(t, arch, 'run', LIARS));
	t.test(`${arch}: programs that wreck their guest`, (t) => judge(t, arch, 'suite', WRECKERS, DEADLINE_OPTIONS));
}
