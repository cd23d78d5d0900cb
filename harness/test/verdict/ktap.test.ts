// SPDX-License-Identifier: MIT
import { deepStrictEqual, equal } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { KtapParser } from '../../src/verdict/ktap.js';
import type { KtapCase, KtapSummary } from '../../src/verdict/verdict.js';

function parse(text: string | Uint8Array): KtapSummary {
	const parser = new KtapParser();
	parser.push(Buffer.from(text));
	return parser.end();
}

/** `pass name`, and `(reason)` where there is one. */
function shown({ verdict, name, reason }: KtapCase): string {
	return `${verdict} ${name}${reason === '' ? '' : ` (${reason})`}`;
}

interface Row {
	readonly what: string;
	readonly input: readonly string[];
	readonly cases: readonly string[];
	/** One for each problem, in order. */
	readonly incomplete?: readonly RegExp[];
	readonly illegible?: readonly RegExp[];
	readonly unsound?: readonly RegExp[];
	readonly remarks?: readonly RegExp[];
	readonly more?: Partial<KtapSummary>;
}

const ROWS: readonly Row[] = [
	{
		what: 'KTAP, the example of ktap.rst with three levels',
		input: [
			'KTAP version 1',
			'1..1',
			'  KTAP version 1',
			'  1..3',
			'    KTAP version 1',
			'    1..1',
			'    # test_1: initializing test_1',
			'    ok 1 test_1',
			'  ok 1 example_test_1',
			'    KTAP version 1',
			'    1..2',
			'    ok 1 test_1 # SKIP test_1 skipped',
			'    ok 2 test_2',
			'  ok 2 example_test_2',
			'    KTAP version 1',
			'    1..3',
			'    ok 1 test_1',
			'    # test_2: FAIL',
			'    not ok 2 test_2',
			'    ok 3 test_3 # SKIP test_3 skipped',
			'  not ok 3 example_test_3',
			'not ok 1 main_test',
		],
		cases: [
			'pass main_test > example_test_1 > test_1',
			'skip main_test > example_test_2 > test_1 (test_1 skipped)',
			'pass main_test > example_test_2 > test_2',
			'pass main_test > example_test_3 > test_1',
			'fail main_test > example_test_3 > test_2',
			'skip main_test > example_test_3 > test_3 (test_3 skipped)',
		],
		more: { planned: 1, reached: 1, planless: false },
	},
	{
		what: 'every directive, in any case, with either result',
		input: [
			'TAP version 13',
			'1..15',
			'ok 1 a # SKIP no hardware',
			'not ok 2 b # skip',
			'ok 3 c # TODO soon',
			'not ok 4 d # todo: soon',
			'ok 5 e # XFAIL known',
			'not ok 6 f # xfail',
			'not ok 7 g # TIMEOUT 45 seconds',
			'not ok 8 h # ERROR cannot open',
			'ok 9 i # error',
			'ok 10 j # XPASS surprise',
			'ok 11 # SKIP k',
			'ok 12 l # rcode=0',
			'not ok 13 m # exit=1',
			'ok 14 - n \\# SKIP is no directive here',
			'ok 15 o #SKIP close',
		],
		cases: [
			'skip a (no hardware)',
			'skip b',
			'xpass c (soon)',
			'xfail d (soon)',
			'xfail e (known)',
			'xfail f',
			'timeout g (45 seconds)',
			'fail h (cannot open)',
			'fail i',
			'xpass j (surprise)',
			'skip test 11 (k)',
			'pass l (rcode=0)',
			'fail m (exit=1)',
			'pass n # SKIP is no directive here',
			'skip o (close)',
		],
		remarks: [/without a name/],
	},
	{
		what: 'no version line, plan last, numbers left out',
		input: ['ok - first', 'not ok second', 'ok', '1..3'],
		cases: ['pass first', 'fail second', 'pass test 3'],
		remarks: [/without a name/],
		more: { planned: 3, planless: false },
	},
	{
		what: 'KTAP results are numbered: other lines may begin with ok, but never hide a failure',
		input: ['KTAP version 1', '1..1', 'ok then, here we go', 'not ok at all', 'ok 1 a'],
		cases: ['fail at all', 'pass a'],
		unsound: [/number 1 stands where 2 was due/, /result 2 goes beyond the plan 1\.\.1/],
	},
	{
		what: 'no plan at all',
		input: ['KTAP version 1', 'ok 1 a', 'ok 2 b'],
		cases: ['pass a', 'pass b'],
		more: { planless: true, planned: undefined },
	},
	{
		what: 'no plan, but totals that agree',
		input: ['TAP version 13', 'ok 1 a', 'ok 2 b', '# Totals: pass:2 fail:0 xfail:0 xpass:0 skip:0 error:0'],
		cases: ['pass a', 'pass b'],
		more: { planless: false },
	},
	{
		what: 'totals of a suite that failed',
		input: [
			'KTAP version 1',
			'1..2',
			'    # Subtest: s',
			'    1..1',
			'    not ok 1 a',
			'# Totals: pass:0 fail:1 skip:0 total:1',
			'not ok 1 s',
			'ok 2 b',
		],
		cases: ['fail s > a', 'pass b'],
	},
	{
		what: 'totals that count a failure no result tells of',
		input: ['TAP version 13', '1..2', 'ok 1 a', 'ok 2 b', '# Totals: pass:1 fail:0 xfail:0 xpass:0 skip:0 error:1'],
		cases: ['pass a', 'pass b'],
		unsound: [/line 5: the totals count 1 failed, and no result is/],
	},
	{
		what: 'the same of a runner’s inner output',
		input: [
			'TAP version 13',
			'1..1',
			'# selftests: x: y',
			'# TAP version 13',
			'# 1..1',
			'# ok 1 a',
			'# # Totals: pass:0 fail:1 xfail:0 xpass:0 skip:0 error:0',
			'ok 1 selftests: x: y',
		],
		cases: ['pass selftests: x: y > a'],
		unsound: [/line 7: the totals count 1 failed, and no result is/],
	},
	{
		what: 'plans that cannot be read, and words that are none',
		input: ['1..-1', 'ok 1 a', '1..99999999999999999', '1..', '1... 2... 3', '1..2 is a range'],
		cases: ['pass a'],
		unsound: [/line 1: "1\.\.-1" is no plan/, /line 3: .* is no plan/, /line 4: "1\.\." is no plan/],
		more: { planless: true },
	},
	{
		what: 'a runner’s inner output whose announcing line was lost',
		input: ['TAP version 13', '1..1', '# TAP version 13', '# 1..2', '# ok 1 a', '# not ok 2 b', 'ok 1 selftests: x: y'],
		cases: ['pass selftests: x: y > a', 'fail selftests: x: y > b'],
		unsound: [/is ok although one of its subtests is not/],
	},
	{
		what: 'TAP 14, every test announced, also those within and those without others',
		input: [
			'TAP version 14',
			'# Subtest: a',
			'    # Subtest: b',
			'    ok 1 - b',
			'      ---',
			'      duration_ms: 1',
			'      ...',
			'    # Subtest: c',
			'        # Subtest: d',
			'        not ok 1 - d',
			'        1..1',
			'    not ok 2 - c',
			'    1..2',
			'not ok 1 - a',
			'# Subtest: e',
			'ok 2 - e',
			'1..2',
		],
		cases: ['pass a > b', 'fail a > c > d', 'pass e'],
	},
	{
		what: 'fewer results than planned',
		input: ['KTAP version 1', '1..3', 'ok 1 a'],
		cases: ['pass a'],
		incomplete: [/plan 1\.\.3 was not met, there is 1 result/],
		more: { planned: 3, reached: 1 },
	},
	{
		what: 'more results than planned',
		input: ['KTAP version 1', '1..1', 'ok 1 a', 'ok 2 b'],
		cases: ['pass a', 'pass b'],
		unsound: [/line 4: result 2 goes beyond the plan 1\.\.1/],
	},
	{
		what: 'a plan and nothing behind it',
		input: ['TAP version 14', '1..5'],
		cases: [],
		incomplete: [/plan 1\.\.5 was not met, there are 0 results/],
	},
	{
		what: 'numbers twice and out of order, names twice',
		input: ['TAP version 13', '1..4', 'ok 1 a', 'ok 1 b', 'ok 4 c', 'ok 5 a'],
		cases: ['pass a', 'pass b', 'pass c', 'pass a'],
		unsound: [/line 4: number 1 is used twice/, /line 5: number 4 stands where 2 was due/],
		remarks: [/line 6: the name "a" is used twice/],
	},
	{
		what: 'two plans',
		input: ['1..2', 'ok 1 a', '1..1', 'ok 2 b'],
		cases: ['pass a', 'pass b'],
		unsound: [/line 3: a second plan, 1\.\.1 after 1\.\.2/],
	},
	{
		what: 'two streams one after the other, each sound',
		input: ['TAP version 13', '1..1', 'ok 1 a', 'TAP version 13', '1..1', 'ok 1 b'],
		cases: ['pass a', 'pass b'],
		more: { planned: 2, reached: 2 },
	},
	{
		what: 'nothing to run, said with a reason',
		input: ['TAP version 13', '1..0 # SKIP no heaps here'],
		cases: [],
		more: { skippedWhole: 'no heaps here', planned: 0 },
	},
	{
		what: 'nothing to run, said without one',
		input: ['TAP version 13', '1..0'],
		cases: [],
		more: { skippedWhole: undefined, planned: 0 },
	},
	{
		what: 'bail out',
		input: ['TAP version 13', '1..3', 'ok 1 a', 'Bail out! no memory'],
		cases: ['pass a'],
		incomplete: [/line 4: Bail out! no memory/, /plan 1\.\.3 was not met/],
	},
	{
		what: 'TAP 14: subtests named by a comment at the parent’s margin, a plan at their end, YAML diagnostics',
		input: [
			'TAP version 14',
			'# Subtest: one',
			'    ok 1 - a',
			'    not ok 2 - b',
			'      ---',
			'      message: "it broke"',
			"      at: 'b.c:12'",
			'      wanted: |',
			'        two',
			'        lines',
			'      ...',
			'    1..2',
			'not ok 1 - one # time=3ms',
			'1..1',
		],
		cases: ['pass one > a', 'fail one > b'],
	},
	{
		what: 'a YAML block without an end',
		input: ['TAP version 14', '1..2', 'not ok 1 a', '  ---', '  message: x', 'ok 2 b'],
		cases: ['fail a', 'pass b'],
		incomplete: [/line 6: the YAML block above has no end/],
	},
	{
		what: 'a parent that passes over its child’s failure, and one that is shorter than its plan',
		input: [
			'KTAP version 1',
			'1..2',
			'    KTAP version 1',
			'    # Subtest: one',
			'    1..2',
			'    ok 1 a',
			'    not ok 2 b',
			'ok 1 one',
			'    KTAP version 1',
			'    # Subtest: two',
			'    1..3',
			'    ok 1 c',
			'ok 2 two',
		],
		cases: ['pass one > a', 'fail one > b', 'pass two > c', 'fail two (ok, but only 1 of 3 planned subtests ran)'],
		incomplete: [/"two": the plan 1\.\.3 was not met/],
		unsound: [/"one" is ok although one of its subtests is not/, /"two" is ok although only 1 of 3/],
	},
	{
		what: 'a parent that fails although its children pass; one that announced children and has none; one that skips',
		input: [
			'TAP version 14',
			'1..3',
			'    # Subtest: one',
			'    1..1',
			'    ok 1 - a',
			'not ok 1 - one',
			'    # Subtest: two',
			'ok 2 - two',
			'    # Subtest: three',
			'    1..0 # SKIP no device',
			'ok 3 - three',
		],
		cases: [
			'pass one > a',
			'fail one (its subtests do not tell why)',
			'miss two (it announced subtests and ran none)',
			'skip three (no device)',
		],
	},
	{
		what: 'a group whose result line is somebody else’s, and one whose result is missing',
		input: [
			'KTAP version 1',
			'1..2',
			'    # Subtest: one',
			'    1..1',
			'    ok 1 a',
			'ok 1 other',
			'    # Subtest: two',
			'    1..2',
			'    ok 1 b',
		],
		cases: ['pass one > a', 'pass other', 'pass two > b'],
		incomplete: [
			/"one": subtests without a result line/,
			/"two": the plan 1\.\.2 was not met/,
			/"two": subtests without a result line/,
			/plan 1\.\.2 was not met, there is 1 result/,
		],
		unsound: [/subtests "one" are followed by the result of "other"/],
	},
	{
		what: 'inner TAP of kselftest’s runner, one of which lies about its failure, one of which ran out of time',
		input: [
			'TAP version 13',
			'1..4',
			'# timeout set to 45',
			'# selftests: dmabuf-heaps: dmabuf-heap',
			'# TAP version 13',
			'# 1..2',
			'# # Testing heap: system',
			'# ok 1 dma_buf_heap_alloc',
			'# not ok 2 dma_buf_heap_map',
			'# # Totals: pass:1 fail:1 xfail:0 xpass:0 skip:0 error:0',
			'ok 1 selftests: dmabuf-heaps: dmabuf-heap',
			'# timeout set to 45',
			'# selftests: drivers/dma-buf: udmabuf',
			'# TAP version 13',
			'# 1..3',
			'# ok 1 create',
			'#',
			'not ok 2 selftests: drivers/dma-buf: udmabuf # TIMEOUT 45 seconds',
			'# selftests: x: plain',
			'# ok, nothing structured in here',
			'ok 3 selftests: x: plain',
			'# selftests: y: none',
			'# TAP version 13',
			'# 1..0 # SKIP no such thing',
			'ok 4 selftests: y: none # SKIP',
		],
		cases: [
			'pass selftests: dmabuf-heaps: dmabuf-heap > dma_buf_heap_alloc',
			'fail selftests: dmabuf-heaps: dmabuf-heap > dma_buf_heap_map',
			'pass selftests: drivers/dma-buf: udmabuf > create',
			'timeout selftests: drivers/dma-buf: udmabuf (45 seconds (only 1 of 3 planned subtests ran))',
			'pass selftests: x: plain',
			'skip selftests: y: none (no such thing)',
		],
		incomplete: [/plan 1\.\.3 was not met/],
		unsound: [/dmabuf-heap" is ok although one of its subtests is not/],
	},
	{
		what: 'kselftest’s runner of 4.19: output as it is, results in a form of its own',
		input: [
			'TAP version 13',
			'selftests: futex: run.sh',
			'========================================',
			'ok 1 requeue',
			'  ---',
			'  took: 3 s',
			'  ...',
			'# wait: a mode',
			'not ok 2 wait [SKIP]',
			'not ok 1..1 selftests: gpio: other [SKIP]',
			'1..3',
			'not ok 1..1 selftests: futex: run.sh [FAIL]',
			'selftests: futex: none',
			'========================================',
			'not ok 1..2 selftests: futex: none [SKIP]',
			'selftests: futex: plain',
			'========================================',
			'PASS: all of it',
			'ok 1..3 selftests: futex: plain [PASS]',
			'TAP version 13',
			'selftests: gpio: gone',
			'selftests: gpio: gone: Warning: file gone is not executable, correct this.',
			'not ok 1..1 selftests: gpio: gone [FAIL]',
		],
		cases: [
			'pass selftests: futex: run.sh > requeue',
			'fail selftests: futex: run.sh > wait [SKIP]',
			'skip selftests: futex: run.sh > selftests: gpio: other',
			'skip selftests: futex: none',
			'pass selftests: futex: plain',
			'fail selftests: gpio: gone',
		],
		unsound: [/line 10: number 1 is used twice/],
		more: { planless: true },
	},
	{
		what: 'the same of 4.14 to 4.18, and its results alone',
		input: [
			'TAP version 13',
			'selftests: one',
			'========================================',
			'ok 1..1 selftests: one [PASS]',
			'not ok 1..2 selftests:  two [FAIL]',
			'not ok 1..3 selftests:  three [SKIP]',
			'ok 1..4 selftests: four [SKIP]',
			'ok 1..5 selftests: five [FAIL]',
			'TAP version 13',
			'selftests: cut',
			'1..2',
			'ok 1 a',
		],
		cases: [
			'pass selftests: one',
			'fail selftests: two',
			'skip selftests: three',
			'skip selftests: four',
			'fail selftests: five',
			'pass (line 11) > a',
		],
		incomplete: [/plan 1\.\.2 was not met/, /subtests without a result line/],
		more: { planless: true },
	},
	{
		what: '[SKIP] that a name ends with',
		input: [
			'TAP version 13',
			'1..5',
			'not ok 1 foo [SKIP]',
			'not ok 2 selftests: a: b [SKIP]',
			'not ok 3 1..3 selftests: a: b [SKIP]',
			'not ok 1..4 foo [SKIP]',
			'not ok 1..5 selftests: a: b is not [SKIP]',
		],
		cases: [
			'fail foo [SKIP]',
			'fail selftests: a: b [SKIP]',
			'fail 1..3 selftests: a: b [SKIP]',
			'fail 1..4 foo [SKIP]',
			'fail 1..5 selftests: a: b is not [SKIP]',
		],
	},
	{
		what: 'KUnit in a kernel log: prefixes, callers, other messages, parameters, a module’s suites without outer plan',
		input: [
			'[    1.100000][    T1] random: crng init done',
			'[    1.110000][    T1]     KTAP version 1',
			'[    1.110000][    T1]     # Subtest: dma-buf-fence',
			'[    1.110000][    T1]     # module: dmabuf_kunit',
			'[    1.110000][    T1]     1..2',
			'[    1.120000][   T12]         KTAP version 1',
			'[    1.120000][   T12]         # Subtest: wait',
			'[    1.130000][   T12]         ok 1 signaled',
			'[    1.130000][   C0] clocksource: Switched to clocksource tsc',
			'[    1.140000][   T12]         ok 2 timeout # SKIP too slow',
			'[    1.140000][   T12]     # wait: pass:1 fail:0 skip:1 total:2',
			'[    1.150000][   T12]     ok 1 wait',
			'[    1.160000][   T13]     # stub: EXPECTATION FAILED at drivers/dma-buf/st-dma-fence.c:12',
			'[    1.160000][   T13]     Expected f == NULL, but',
			'[    1.160000][   T13]     not ok 2 stub',
			'[    1.170000][    T1] # dma-buf-fence: pass:1 fail:1 skip:0 total:2',
			'[    1.170000][    T1] # Totals: pass:1 fail:1 skip:1 total:3',
			'[    1.170000][    T1] not ok 4 dma-buf-fence',
		],
		cases: [
			'pass dma-buf-fence > wait > signaled',
			'skip dma-buf-fence > wait > timeout (too slow)',
			'fail dma-buf-fence > stub',
		],
		more: { planless: false },
	},
	{
		what: 'results deeper than their plan (tools/testing/kunit accepts these)',
		input: ['KTAP version 1', '1..1', '    KTAP version 1', '    1..1', '        ok 1 test 1', 'ok 1 subtest 1'],
		cases: ['pass subtest 1 > test 1'],
	},
	{
		what: 'one tab of indentation, as KUnit of 5.x prints',
		input: ['TAP version 14', '1..1', '\t# Subtest: s', '\t1..1', '\tok 1 - a', 'ok 1 - s'],
		cases: ['pass s > a'],
	},
	{
		what: 'CRLF, NUL, escape sequences, byte order mark, overprinting',
		input: [
			'\ufeffTAP version 13\r',
			'1..3\r\r',
			'\x1b[32mok 1 \x1b[1ma\x1b[0m\r',
			'\0ok\0 2 b\0',
			'50%\r100%\rok 3 c',
		],
		cases: ['pass a', 'pass b', 'pass c'],
	},
	{
		what: 'a kernel message inside a result line',
		input: ['TAP version 13', '1..2', 'ok 1 fir[   12.345678] random: crng init done', 'st', 'ok 2 b'],
		cases: ['pass fir', 'pass b'],
		illegible: [/line 3: a kernel message was printed into this line/],
	},
	{
		what: 'versions that nobody knows',
		input: ['KTAP version 7', '1..1', 'ok 1 a'],
		cases: ['pass a'],
		unsound: [/line 1: KTAP version 7 is not one that is understood/],
	},
	{ what: 'nothing', input: [], cases: [], more: { lines: 0 } },
	{ what: 'something else', input: ['hello', 'world'], cases: [], more: { lines: 2 } },
];

t.test('streams and what they say', async (t) => {
	for (const { what, input, cases, incomplete = [], illegible = [], unsound = [], remarks = [], more = {} } of ROWS) {
		const text = input.map((line) => `${line}\n`).join('');
		const summary = parse(text);
		await t.test(what, async (t) => {
			t.strictSame(summary.cases.map(shown), cases);
			for (const [found, expected, which] of [
				[summary.incomplete, incomplete, 'incomplete'],
				[summary.illegible, illegible, 'illegible'],
				[summary.unsound, unsound, 'unsound'],
				[summary.remarks, remarks, 'remarks'],
			] as const) {
				t.equal(found.length, expected.length, `${which}: ${JSON.stringify(found)}`);
				for (const [i, pattern] of expected.entries()) t.match(found[i] ?? '', pattern);
			}
			t.has(summary, more);
		});
	}
});

t.test('diagnostics belong to the result they stand before', async (t) => {
	const { cases } = parse(
		[
			'KTAP version 1',
			'1..2',
			'# at: alloc.c:12',
			'# expected: -1 EINVAL',
			'# found: 0',
			'# a note without a key',
			'stray words',
			'not ok 1 a',
			'# duration_us: 42',
			'ok 2 b',
			'',
		].join('\n'),
	);
	t.strictSame(
		cases.map(({ diagnostics }) => diagnostics),
		[
			[
				['at', 'alloc.c:12'],
				['expected', '-1 EINVAL'],
				['found', '0'],
				['log', 'a note without a key'],
				['log', 'stray words'],
			],
			[['duration_us', '42']],
		],
	);
	const many = Array.from({ length: 500 }, (_, i) => `# line ${i}\n`).join('');
	const kept = parse(`1..1\n${many}ok 1 a\n`).cases[0]?.diagnostics ?? [];
	t.equal(kept.length, 65);
	t.strictSame(kept[0], ['log', '(436 earlier lines left out)']);
	t.strictSame(kept.at(-1), ['log', 'line 499']);
});

t.test('a YAML block belongs to the result above it', async (t) => {
	const { cases } = parse(
		'TAP version 14\n1..1\nnot ok 1 a\n  ---\n  message: "it broke"\n  at: \'b.c:12\'\n  wanted: |\n    two\n    lines\n  ...\n',
	);
	t.strictSame(cases[0]?.diagnostics, [
		['message', 'it broke'],
		['at', 'b.c:12'],
		['wanted', 'two\nlines'],
	]);
});

t.test('a KTAP case goes out with its line, a TAP case with the next', async (t) => {
	for (const [version, seen] of [
		['KTAP version 1', 1],
		['TAP version 14', 0],
	] as const) {
		const found: string[] = [];
		const parser = new KtapParser({ onCase: ({ name }) => found.push(name), keepCases: 0 });
		parser.push(Buffer.from(`${version}\n1..2\nok 1 a\n`));
		t.equal(found.length, seen, version);
		parser.push(Buffer.from('ok 2 b\n'));
		const summary = parser.end();
		t.strictSame(found, ['a', 'b']);
		t.equal(summary.cases.length, 0);
		t.equal(summary.caseCount, 2);
	}
});

t.test('a stream cut before its last result is never whole; a stripped last newline is a remark', async (t) => {
	const whole = 'KTAP version 1\n1..3\nok 1 a\nnot ok 2 b # TODO x\nok 3 c\n';
	for (let length = 0; length < whole.indexOf('ok 3') + 4; length++) {
		const { problems, planless, caseCount } = parse(whole.slice(0, length));
		t.ok(problems.length > 0 || planless || caseCount === 0, `cut at ${length}`);
	}
	const stripped = parse(whole.slice(0, -1));
	t.strictSame(stripped.problems, []);
	t.match(stripped.remarks, [/stops inside line 5/]);
});

t.test('huge lines and floods', async (t) => {
	const huge = parse(
		Buffer.concat([Buffer.from('1..2\nok 1 '), Buffer.alloc(1 << 20, 'x'), Buffer.from('\nok 2 b\n')]),
	);
	t.equal(huge.caseCount, 2);
	t.match(huge.problems[0], /line 2 is too long/);
	t.ok((huge.cases[0]?.name.length ?? 0) <= 1025);
	const backslashes = parse(`1..1\nok 1 ${'\r'.repeat(60_000)}x${' #'.repeat(2000)}\n`);
	t.equal(backslashes.lines, 2);

	const parser = new KtapParser();
	const before = process.memoryUsage().heapUsed;
	let number = 0;
	for (let chunk = 0; chunk < 40; chunk++) {
		let text = '';
		for (let i = 0; i < 5000; i++) {
			number += 2;
			text += `not ok ${number} case ${number} # exit=${number}\n# noise ${number}\n`;
		}
		parser.push(Buffer.from(text));
	}
	const flood = parser.end();
	t.equal(flood.caseCount, 200_000);
	t.equal(flood.totals.fail, 200_000);
	t.equal(flood.cases.length, 20_000);
	t.ok(flood.problems.length < 110, 'sentences are counted, not kept');
	t.ok(process.memoryUsage().heapUsed - before < 150 * 1024 * 1024, 'memory is bounded');
});

t.test('unnamed groups are held only so far', async (t) => {
	let text = 'TAP version 13\n1..1\n';
	for (let i = 1; i <= 30_000; i++) text += `    ok ${i} c${i}\n`;
	const { caseCount, cases } = parse(`${text}    1..30000\nok 1 group\n`);
	t.equal(caseCount, 30_000);
	t.equal(cases[0]?.name, '(line 3) > c1');
});

/** Lines that mean something, so that random streams reach the parser's corners. */
const word = fc.constantFrom(
	'ok 1 a',
	'ok 2 b # SKIP x',
	'not ok 3 c',
	'ok',
	'1..3',
	'1..0 # SKIP',
	'KTAP version 1',
	'TAP version 14',
	'# Subtest: s',
	'ok 1 s',
	'# selftests: a: b',
	'selftests: a: b',
	'not ok 1..1 selftests: a: b [SKIP]',
	'# ok 1 inner',
	'# 1..2',
	'  ---',
	'  ...',
	'  key: value',
	'Bail out!',
	'# Totals: pass:1 fail:0',
	'[    1.000000][   T1] ok 4 d',
	'\x1b[0mfoo\r\rbar',
	'\x00',
);
const line = fc
	.tuple(fc.constantFrom('', '  ', '    ', '\t', '# ', '    # '), word)
	.map(([indent, text]) => indent + text);
const stream = fc.oneof(
	fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
	fc.array(line, { maxLength: 40 }).map((lines) => Buffer.from(lines.join('\n'))),
	fc.array(line, { maxLength: 40 }).map((lines) => Buffer.from(`${lines.join('\r\n')}\n`)),
);

t.test('any bytes, in any chunks: no throw, the same result', async () => {
	fc.assert(
		fc.property(stream, fc.array(fc.nat(400), { maxLength: 8 }), (bytes, cuts) => {
			const whole = parse(bytes);
			const found: KtapCase[] = [];
			const parser = new KtapParser({ onCase: (one) => found.push(one) });
			let start = 0;
			for (const cut of [...cuts].sort((a, b) => a - b)) {
				parser.push(bytes.subarray(start, cut));
				start = Math.max(start, Math.min(cut, bytes.length));
			}
			parser.push(bytes.subarray(start));
			const pieces = parser.end();
			deepStrictEqual(pieces, whole);
			deepStrictEqual(found, pieces.cases);
			equal(
				Object.values(whole.totals).reduce((sum, n) => sum + n, 0),
				whole.caseCount,
			);
		}),
		{ numRuns: 2000 },
	);
});

t.test('KUnit’s own examples, recorded from a kernel that also reported something', async (t) => {
	const file = join(import.meta.dirname, '../../../test/fixtures/verdict/ktap/7.3-arm64-kunit-examples.log');
	const { caseCount, totals, problems, planless, cases } = parse(readFileSync(file));
	// KUnit counts 22 in the suite "example" (18 pass, 4 skip), one in "example_init", and one suite that is skipped.
	t.equal(caseCount, 24);
	t.match(totals, { pass: 19, skip: 5, fail: 0, miss: 0 });
	t.strictSame(problems, []);
	t.notOk(planless);
	t.ok(cases.some(({ name }) => name === 'example > example_params_test > example value 2'));
	t.ok(cases.some(({ name, verdict }) => name === 'example_skip_suite' && verdict === 'skip'));
});
