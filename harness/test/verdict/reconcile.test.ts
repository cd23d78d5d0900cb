// SPDX-License-Identifier: MIT
import { equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { KtapParser } from '../../src/verdict/ktap.js';
import { reconcileSuite, type SuiteWitnesses } from '../../src/verdict/reconcile.js';
import { toldReport } from '../../src/verdict/splat/told.js';
import { type AttributedSplat, type Leak, overall, VERDICTS, worse } from '../../src/verdict/verdict.js';

const clean = { status: 0, signal: undefined, timedOut: false };
const oops: AttributedSplat = {
	kind: 'oops',
	title: 'BUG: kernel NULL pointer dereference, address: 0000000000000000',
	function: 'evil',
	line: 10,
	severity: 'severe',
	report: '',
};
const warning: AttributedSplat = { ...oops, kind: 'warning', title: 'WARNING: at evil', severity: 'warning' };
const leak: Leak = { kind: 'dma-buf', title: '1 dma-buf still listed', detail: 'there were 0 before' };
const panic: AttributedSplat = { ...oops, kind: 'panic', title: 'Kernel panic - not syncing: evil', severity: 'fatal' };

function ktap(lines: readonly string[], end = '\n') {
	const parser = new KtapParser();
	parser.push(Buffer.from(lines.length === 0 ? '' : lines.join('\n') + end));
	return parser.end();
}

interface Row {
	readonly what: string;
	readonly lines: readonly string[];
	/** Without the last newline. */
	readonly cut?: true;
	readonly seen?: Partial<SuiteWitnesses>;
	readonly verdict: string;
	/** `verdict name` and, behind a colon, a part of the reason. */
	readonly cases: readonly string[];
}

const TWO = ['KTAP version 1', '1..2'];
const ROWS: readonly Row[] = [
	{
		what: 'all is well',
		lines: [...TWO, 'ok 1 a', 'ok 2 b # SKIP none'],
		verdict: 'pass',
		cases: ['pass a', 'skip b: none'],
	},
	{
		what: 'a failure stays one, whatever the exit status says',
		lines: [...TWO, 'ok 1 a', 'not ok 2 b'],
		verdict: 'fail',
		cases: ['pass a', 'fail b'],
	},
	{
		what: 'a failure and the exit status that goes with it',
		lines: [...TWO, 'ok 1 a', 'not ok 2 b'],
		seen: { outcome: { ...clean, status: 1 } },
		verdict: 'fail',
		cases: ['pass a', 'fail b'],
	},
	{
		what: 'a line that a kernel message was printed into, of a program that ended well',
		lines: [...TWO, 'ok 1 a[    1.234567] hello', 'ok 2 b'],
		seen: { outcome: clean },
		verdict: 'miss',
		cases: ['pass a', 'pass b', 'miss SUITE: a kernel message was printed into this line'],
	},
	{
		what: 'all ok, and an exit status that says otherwise',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { outcome: { ...clean, status: 3 } },
		verdict: 'fail',
		cases: ['pass a', 'pass b', 'fail SUITE: ended with status 3, though no case of it failed'],
	},
	{
		what: 'killed in the middle of a result’s line',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		cut: true,
		seen: { outcome: { ...clean, status: undefined, signal: 9 } },
		verdict: 'fail',
		cases: ['pass a', 'fail b: its result was cut short: the program was killed by signal 9', 'fail SUITE: signal 9'],
	},
	{
		what: 'an orderly end without a last newline',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		cut: true,
		verdict: 'pass',
		cases: ['pass a', 'pass b'],
	},
	{
		what: 'a process that SIGKILL does not end',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { outcome: { ...clean, stuck: true } },
		verdict: 'timeout',
		cases: ['pass a', 'pass b', 'timeout SUITE: the kernel holds on to what it started'],
	},
	{
		what: 'the machine turned off while a case ran',
		lines: [...TWO, 'ok 1 a'],
		seen: { outcome: undefined, planned: ['a', 'b'], guestEnded: { kind: 'shutdown', detail: 'reboot: Power down' } },
		verdict: 'fail',
		cases: ['pass a', 'fail b: turned off or started again: reboot: Power down'],
	},
	{
		what: 'a guest that cannot do what it is asked for',
		lines: [],
		seen: { outcome: undefined, guestEnded: { kind: 'unusable', detail: 'the guest cannot run /programs/x' } },
		verdict: 'miss',
		cases: ['miss SUITE: the guest cannot run /programs/x'],
	},
	{
		what: 'a guest lost when its program had ended well',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { guestEnded: { kind: 'hung', detail: 'no answer' } },
		verdict: 'timeout',
		cases: ['pass a', 'pass b', 'timeout SUITE: when the program had ended: the guest hung: no answer'],
	},
	{
		what: 'all skipped, and kselftest’s exit status for it',
		lines: ['TAP version 13', '1..1', 'ok 1 a # SKIP no root'],
		seen: { outcome: { ...clean, status: 4 } },
		verdict: 'skip',
		cases: ['skip a: no root'],
	},
	{
		what: 'all ok, and the exit status of timeout(1)',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { outcome: { ...clean, status: 124 } },
		verdict: 'timeout',
		cases: ['pass a', 'pass b', 'timeout SUITE: ran out of time'],
	},
	{
		what: 'one passed, and kselftest’s exit status for a skip',
		lines: [...TWO, 'ok 1 a', 'ok 2 b # SKIP x'],
		seen: { outcome: { ...clean, status: 4 } },
		verdict: 'fail',
		cases: ['pass a', 'skip b: x', 'fail SUITE: status 4'],
	},
	{
		what: 'nothing to run, with its reason and kselftest’s status',
		lines: ['TAP version 13', '1..0 # SKIP no heaps'],
		seen: { outcome: { ...clean, status: 4 } },
		verdict: 'skip',
		cases: ['skip SUITE: no heaps'],
	},
	{
		what: 'nothing to run, without a reason, and a clean exit',
		lines: ['TAP version 13', '1..0'],
		verdict: 'miss',
		cases: ['miss SUITE: no case was reported'],
	},
	{ what: 'nothing printed', lines: [], verdict: 'miss', cases: ['miss SUITE: nothing was printed'] },
	{
		what: 'nothing but an exit status that kselftest calls a skip',
		lines: [],
		seen: { outcome: { ...clean, status: 4 } },
		verdict: 'fail',
		cases: ['fail SUITE: the program ended with status 4'],
	},
	{
		what: 'plan printed, then an orderly exit',
		lines: [...TWO],
		verdict: 'fail',
		cases: ['fail SUITE: plan 1..2 was not met'],
	},
	{
		what: 'plan printed, then an orderly exit; the cases are known by name',
		lines: [...TWO],
		seen: { planned: ['a', 'b'] },
		verdict: 'fail',
		cases: ['fail a: ended with status 0 before it reported this', 'miss b: not reached'],
	},
	{
		what: 'killed by a signal in the middle',
		lines: [...TWO, 'ok 1 a'],
		seen: { planned: ['a', 'b', 'c'], outcome: { status: undefined, signal: 11, timedOut: false } },
		verdict: 'fail',
		cases: ['pass a', 'fail b: killed by signal 11', 'miss c: not reached: the program was killed by signal 11'],
	},
	{
		what: 'killed by a signal after its last result',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { outcome: { status: undefined, signal: 9, timedOut: false } },
		verdict: 'fail',
		cases: ['pass a', 'pass b', 'fail SUITE: killed by signal 9, though no case of it failed'],
	},
	{
		what: 'out of time in the middle; the console knows better which case ran',
		lines: [...TWO, 'ok 1 a'],
		seen: {
			planned: ['a', 'b', 'c'],
			running: 'c',
			outcome: { status: undefined, signal: 9, timedOut: true },
		},
		verdict: 'timeout',
		cases: ['pass a', 'miss b: not reached', 'timeout c: deadline was over'],
	},
	{
		what: 'out of time after the last result',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { outcome: { status: undefined, signal: 9, timedOut: true } },
		verdict: 'timeout',
		cases: ['pass a', 'pass b', 'timeout SUITE: deadline was over'],
	},
	{
		what: 'panic in the middle',
		lines: [...TWO, 'ok 1 a'],
		seen: {
			planned: ['a', 'b', 'c'],
			outcome: undefined,
			guestEnded: { kind: 'died', detail: 'QEMU ended' },
			splats: [{ ...panic, case: 'b' }],
			running: 'b',
		},
		verdict: 'crash',
		cases: ['pass a', 'crash b: Kernel panic', 'miss c: not reached: Kernel panic'],
	},
	{
		what: 'panic after the last case',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { splats: [{ ...panic, case: 'b' }] },
		verdict: 'crash',
		cases: ['pass a', 'crash b: Kernel panic'],
	},
	{
		what: 'panic before the first case',
		lines: [],
		seen: { outcome: undefined, guestEnded: { kind: 'died', detail: 'x' }, splats: [panic] },
		verdict: 'crash',
		cases: ['crash SUITE: Kernel panic'],
	},
	{
		what: 'oops that kills only the test',
		lines: [...TWO, 'ok 1 a'],
		seen: {
			planned: ['a', 'b'],
			outcome: { status: undefined, signal: 9, timedOut: false },
			splats: [{ ...oops, case: 'b' }],
		},
		verdict: 'crash',
		cases: [
			'pass a',
			'crash b: killed by signal 9; BUG: kernel NULL pointer dereference, address: 0000000000000000 (in evil)',
		],
	},
	{
		what: 'a guest that was stopped after its kernel reported something severe',
		lines: [...TWO, 'ok 1 a'],
		seen: {
			planned: ['a', 'b', 'c'],
			outcome: undefined,
			guestEnded: { kind: 'stopped', detail: 'stopped' },
			splats: [{ ...oops, case: 'b' }],
		},
		verdict: 'crash',
		cases: ['pass a', 'crash b: 0000000000000000 (in evil)', 'miss c: not reached: BUG: kernel NULL'],
	},
	{
		what: 'a warning while the case passes',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { splats: [{ ...warning, case: 'a' }] },
		verdict: 'crash',
		cases: ['crash a: WARNING: at evil', 'pass b'],
	},
	{
		what: 'a warning nobody can be blamed for is not lost',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { splats: [warning] },
		verdict: 'crash',
		cases: ['pass a', 'pass b', 'crash SUITE: WARNING: at evil'],
	},
	{
		what: 'a report that the case provokes by design',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: {
			splats: [{ ...warning, kind: 'oom', case: 'a' }],
			tolerated: ({ kind }) => (kind === 'oom' ? 'asked for' : undefined),
		},
		verdict: 'pass',
		cases: ['pass a: (asked for)', 'pass b'],
	},
	{
		what: 'a guest gone without a word',
		lines: [...TWO, 'ok 1 a'],
		seen: { planned: ['a', 'b'], outcome: undefined, guestEnded: { kind: 'killed', detail: 'by SIGKILL' } },
		verdict: 'miss',
		cases: ['pass a', 'miss b: the guest was gone and its console does not tell why: by SIGKILL'],
	},
	{
		what: 'a guest that hung',
		lines: [...TWO, 'ok 1 a'],
		seen: { planned: ['a', 'b'], outcome: undefined, guestEnded: { kind: 'hung', detail: 'no answer for 10 s' } },
		verdict: 'timeout',
		cases: ['pass a', 'timeout b: the guest hung: no answer for 10 s'],
	},
	{
		what: 'a panic that only the machine saw',
		lines: [...TWO],
		seen: { planned: ['a', 'b'], outcome: undefined, guestEnded: { kind: 'panicked', detail: 'pvpanic' } },
		verdict: 'crash',
		cases: ['crash a: the kernel panicked: pvpanic', 'miss b'],
	},
	{
		what: 'a planned case the program never reports, although it ends well',
		lines: ['KTAP version 1', '1..1', 'ok 1 a'],
		seen: { planned: ['a', 'b'] },
		verdict: 'miss',
		cases: ['pass a', 'miss b: never reported it'],
	},
	{
		what: 'planned cases of a program that skips itself',
		lines: ['KTAP version 1', '1..0 # SKIP no heap'],
		seen: { planned: ['a', 'b'] },
		verdict: 'skip',
		cases: ['skip a: no heap', 'skip b: no heap'],
	},
	{
		what: 'a result that was not asked for: forged, or a bug',
		lines: [...TWO, 'ok 1 a', 'ok 2 z'],
		seen: { planned: ['a', 'b'] },
		verdict: 'fail',
		cases: ['pass a', 'pass z', 'fail SUITE: it reported "z", which was not asked for', 'miss b'],
	},
	{
		what: 'one id twice, once forged: the worse counts, and the suite is no pass',
		lines: [...TWO, 'ok 1 a', 'not ok 2 a'],
		seen: { planned: ['a'] },
		verdict: 'fail',
		cases: ['fail a', 'fail SUITE: the name "a" is used twice'],
	},
	{
		what: 'one description twice in a program that names its cases as it likes',
		lines: [...TWO, 'ok 1 a', 'ok 2 a'],
		verdict: 'pass',
		cases: ['pass a', 'pass a'],
	},
	{
		what: 'more results than planned',
		lines: ['KTAP version 1', '1..1', 'ok 1 a', 'ok 2 b'],
		verdict: 'fail',
		cases: ['pass a', 'pass b', 'fail SUITE: beyond the plan'],
	},
	{
		what: 'no plan, and an orderly exit',
		lines: ['KTAP version 1', 'ok 1 a'],
		verdict: 'pass',
		cases: ['pass a'],
	},
	{
		what: 'no plan, and nobody who saw the end',
		lines: ['KTAP version 1', 'ok 1 a'],
		seen: { outcome: undefined },
		verdict: 'miss',
		cases: ['pass a', 'miss SUITE: no plan'],
	},
	{
		what: 'plan not met, and nobody who saw the end',
		lines: [...TWO, 'ok 1 a'],
		seen: { outcome: undefined },
		verdict: 'miss',
		cases: ['pass a', 'miss SUITE: plan 1..2 was not met'],
	},
	{
		what: 'a console that lost messages',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { droppedMessages: 12 },
		verdict: 'miss',
		cases: ['pass a', 'pass b', 'miss SUITE: the console lost 12 kernel messages'],
	},
	{
		what: 'something left behind',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: {
			leaks: [
				{ ...leak, case: 'a' },
				{ ...leak, title: '16 pages of the CMA area x not back' },
			],
		},
		verdict: 'fail',
		cases: [
			'fail a: left behind: 1 dma-buf still listed (there were 0 before',
			'pass b',
			'fail SUITE: left behind: 16 pages',
		],
	},
	{
		what: 'something left behind, and only one case that can have done it',
		lines: ['KTAP version 1', '1..1', 'ok 1 a # SKIP none'],
		seen: { planned: ['a'], leaks: [leak] },
		verdict: 'fail',
		cases: ['fail a: none; left behind: 1 dma-buf still listed'],
	},
	{
		what: 'something left behind by the only case, of a program that also ended badly',
		lines: ['KTAP version 1', '1..1', 'ok 1 a'],
		seen: { outcome: { ...clean, status: 3 }, leaks: [leak] },
		verdict: 'fail',
		cases: ['fail a: left behind', 'fail SUITE: status 3'],
	},
	{
		what: 'something left behind by a program without cases',
		lines: [],
		seen: { leaks: [leak] },
		verdict: 'fail',
		cases: ['fail SUITE: nothing was printed; left behind'],
	},
	{
		what: 'a kernel that says it warned, though no warning was shown',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { taint: { before: 1 << 12, after: (1 << 12) | (1 << 9), release: '6.12.117' } },
		verdict: 'crash',
		cases: ['pass a', 'pass b', 'crash SUITE: the kernel is tainted W: the kernel warned; the console shows no report'],
	},
	{
		what: 'the same with one case',
		lines: ['KTAP version 1', '1..1', 'ok 1 a'],
		seen: { taint: { before: 0, after: 1 << 7, release: '6.12.117' } },
		verdict: 'crash',
		cases: ['crash a: the kernel is tainted D'],
	},
	{
		what: 'a taint that a report explains, and one that tells of no fault',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { splats: [{ ...warning, case: 'a' }], taint: { before: 0, after: (1 << 12) | (1 << 9), release: '7.3.4' } },
		verdict: 'crash',
		cases: ['crash a: WARNING: at evil', 'pass b'],
	},
	{
		what: 'the soft lockup that sw_sync of 7.2 and later claims',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { taint: { before: 0, after: 1 << 14, release: '7.3.4' } },
		verdict: 'pass',
		cases: ['pass a', 'pass b'],
	},
	{
		what: 'and the same bit on a kernel whose sw_sync does not',
		lines: [...TWO, 'ok 1 a', 'ok 2 b'],
		seen: { taint: { before: 0, after: 1 << 14, release: '6.12.117' } },
		verdict: 'crash',
		cases: ['pass a', 'pass b', 'crash SUITE: tainted L'],
	},
	{
		what: 'an expected pass',
		lines: [...TWO, 'ok 1 a # TODO not yet', 'not ok 2 b # TODO not yet'],
		verdict: 'xpass',
		cases: ['xpass a: not yet', 'xfail b: not yet'],
	},
];

t.test('witnesses and verdicts', async (t) => {
	for (const { what, lines, cut, seen = {}, verdict, cases } of ROWS) {
		const found = reconcileSuite({
			suite: 'SUITE',
			ktap: ktap(lines, cut ? '' : '\n'),
			outcome: clean,
			splats: [],
			...seen,
		});
		await t.test(what, async (t) => {
			t.equal(found.verdict, verdict);
			t.equal(
				found.cases.length,
				cases.length,
				JSON.stringify(found.cases.map((c) => `${c.verdict} ${c.name}: ${c.reason}`)),
			);
			for (const [i, expected] of cases.entries()) {
				const one = found.cases[i];
				const [head, reason] = [expected.split(':')[0], expected.split(': ').slice(1).join(': ')];
				t.equal(`${one?.verdict} ${one?.name}`, head);
				t.ok(one?.reason.includes(reason), `${head}: "${one?.reason}" has "${reason}"`);
			}
		});
	}
});

t.test('a report in one line names the guilty function once', async (t) => {
	for (const [title, guilty, told] of [
		['WARNING: CPU: 0 PID: 1 at mm/foo.c:12', 'foo', 'WARNING: CPU: 0 PID: 1 at mm/foo.c:12 (in foo)'],
		['WARNING: CPU: 0 PID: 1 at mm/a.c:12 foo+0x1/0x2', 'foo', 'WARNING: CPU: 0 PID: 1 at mm/a.c:12 foo+0x1/0x2'],
		[
			'BUG: KASAN: use-after-free in foo.isra.0+0x1/0x2 [m]',
			'foo',
			'BUG: KASAN: use-after-free in foo.isra.0+0x1/0x2 [m]',
		],
		['BUG: KASAN: use-after-free in memcpy+0x1/0x2', 'foo', 'BUG: KASAN: use-after-free in memcpy+0x1/0x2 (in foo)'],
		['INFO: task food:1 blocked', 'foo', 'INFO: task food:1 blocked (in foo)'],
		['Kernel panic - not syncing: x', undefined, 'Kernel panic - not syncing: x'],
		['Kernel panic - not syncing: x', 'f'.repeat(513), 'Kernel panic - not syncing: x'],
	] as const) {
		t.equal(toldReport({ title, function: guilty }), told);
	}
});

t.test('cases beyond those that are kept count', async (t) => {
	for (const [line, verdict] of [
		['ok 2 b', 'pass'],
		['ok 2 b # SKIP none', 'pass'],
		['ok 2 b # TODO', 'xpass'],
		['not ok 2 b', 'fail'],
		['not ok 2 b # TIMEOUT', 'timeout'],
	] as const) {
		const parser = new KtapParser({ keepCases: 1 });
		parser.push(Buffer.from(`${[...TWO, 'ok 1 a', line].join('\n')}\n`));
		const judged = reconcileSuite({ suite: 'SUITE', ktap: parser.end(), outcome: clean, splats: [] });
		t.equal(judged.verdict, verdict, line);
	}
});

t.test('the worst of two, and of many', async (t) => {
	t.equal(worse('pass', 'skip'), 'skip');
	t.equal(worse('crash', 'timeout'), 'crash');
	t.equal(overall([]), 'miss');
	t.equal(overall(['pass', 'skip', 'xfail']), 'pass');
	t.equal(overall(['skip', 'skip']), 'skip');
	t.equal(overall(['pass', 'miss']), 'miss');
	t.equal(overall(['miss', 'fail', 'pass']), 'fail');
});

const kinds = ['panicked', 'hung', 'died', 'killed', 'stopped'] as const;
const witnesses: fc.Arbitrary<SuiteWitnesses> = fc.record({
	suite: fc.constant('SUITE'),
	ktap: fc
		.array(fc.constantFrom('KTAP version 1', '1..2', '1..0 # SKIP', 'ok 1 a', 'ok 2 b', 'not ok 2 b', 'Bail out!'), {
			maxLength: 6,
		})
		.map((lines) => ktap(lines)),
	planned: fc.option(fc.subarray(['a', 'b', 'c']), { nil: undefined }),
	outcome: fc.option(
		fc.record({
			status: fc.option(fc.constantFrom(0, 1, 4), { nil: undefined }),
			signal: fc.option(fc.constantFrom(9, 11), { nil: undefined }),
			timedOut: fc.boolean(),
		}),
		{ nil: undefined },
	),
	guestEnded: fc.option(fc.record({ kind: fc.constantFrom(...kinds), detail: fc.constant('x') }), { nil: undefined }),
	splats: fc.array(fc.constantFrom(panic, { ...oops, case: 'a' }, { ...warning, case: 'zz' }), { maxLength: 2 }),
	running: fc.option(fc.constantFrom('a', 'b', 'zz'), { nil: undefined }),
	leaks: fc.array(fc.constantFrom(leak, { ...leak, case: 'b' }), { maxLength: 2 }),
	taint: fc.option(fc.constant({ before: 0, after: 1 << 7, release: '6.12' }), { nil: undefined }),
});

t.test('whatever the witnesses say: no bad one is outvoted, nothing asked for is lost', async () => {
	fc.assert(
		fc.property(witnesses, (seen) => {
			const { verdict, cases } = reconcileSuite(seen);
			const at = (v: (typeof VERDICTS)[number]) => VERDICTS.indexOf(v);
			const atLeast = (v: (typeof VERDICTS)[number]) => ok(at(verdict) >= at(v), `${verdict}, at least ${v}`);
			const names = cases.map(({ name }) => name);
			for (const name of seen.planned ?? []) ok(names.includes(name), `${name} is judged`);
			if (seen.planned) equal(new Set(names).size, names.length);
			if (seen.splats.length > 0 || seen.taint) atLeast('crash');
			if (seen.leaks?.length) atLeast('fail');
			if (seen.ktap.totals.fail > 0 || seen.ktap.unsound.length > 0) atLeast('fail');
			if (seen.outcome?.timedOut) atLeast('timeout');
			if (seen.outcome?.signal !== undefined) atLeast('fail');
			if (seen.ktap.incomplete.length > 0) atLeast('miss');
			if (seen.ktap.caseCount === 0 && seen.ktap.skippedWhole === undefined) atLeast('miss');
			if (!seen.outcome && seen.guestEnded && seen.ktap.planless) atLeast('miss');
			if (!seen.outcome && seen.guestEnded) atLeast('miss');
			for (const one of cases) if (one.verdict !== 'pass' && one.synthetic) ok(one.reason !== '');
		}),
		{ numRuns: 3000 },
	);
});
