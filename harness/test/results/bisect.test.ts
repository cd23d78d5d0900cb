// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FencepostError } from '../../src/core/errors.js';
import { BISECT_EXIT, bisectAnswer, bisectCodeOfError } from '../../src/results/bisect.js';
import type { CaseResult } from '../../src/results/events.js';
import { findSignature, parseSignature } from '../../src/results/signature.js';
import type { Splat, Verdict } from '../../src/verdict/verdict.js';

const base: CaseResult = {
	case: 'heap.alloc.len-zero',
	subject: 'system',
	suite: 'alloc',
	kernel: 'tree:.',
	release: '6.12.117',
	arch: 'x86_64',
	machine: 'default',
	verdict: 'pass',
	durationMs: 1,
	attempts: 1,
	reason: '',
	console: 'consoles/001.log',
};
const one = (verdict: Verdict, more: Partial<CaseResult> = {}): CaseResult => ({ ...base, verdict, ...more });
const machine = (name: string, verdict: Verdict, more: Partial<CaseResult> = {}) =>
	one(verdict, { suite: 'machine', case: `machine.${name}`, subject: '', ...more });

const warning: Splat = {
	kind: 'warning',
	title: 'WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-heap.c:12 dma_heap_init+0x1/0x2',
	function: 'dma_heap_init',
	line: 7,
	severity: 'warning',
	report: 'WARNING: CPU: 0\nRIP: 0010:dma_heap_init+0x1/0x2',
};
const panic = machine('boot', 'crash', {
	reason:
		'the kernel panicked while booting: Kernel panic - not syncing: Attempted to kill init!\n[1.0] RIP: dma_heap_init',
});
const unbuilt = machine('build', 'miss', {
	reason:
		"the kernel in /src does not build for x86_64 (the compiler says why, below)\n  CC      x.o\nheaps/cma_heap.c:279:40: error: 'size' undeclared",
	code: 'KERNEL_BUILD_FAILED',
});
const failed = one('fail', { reason: 'expected -1 EINVAL, found 0' });

interface Row {
	readonly what: string;
	readonly results: readonly CaseResult[];
	/** Without a signature; with one that is not seen; with one that is. */
	readonly codes: readonly [plain: number, unseen: number, seen: number];
	/** Without a signature. */
	readonly why: RegExp;
}

const TABLE: readonly Row[] = [
	{ what: 'all pass', results: [one('pass')], codes: [0, 0, 1], why: /^1 pass$/ },
	{
		what: 'passes and skips',
		results: [one('pass'), one('skip'), one('xfail')],
		codes: [0, 0, 1],
		why: /^1 pass, 1 skip, 1 xfail$/,
	},
	...(['fail', 'crash', 'timeout', 'xpass'] as const).map(
		(verdict): Row => ({
			what: `a case that ends as ${verdict}`,
			results: [one('pass', { case: 'heap.alloc.one' }), one(verdict, { reason: 'why' })],
			codes: [1, 125, 1],
			why: /^heap\.alloc\.len-zero .* on system, x86_64: why$/,
		}),
	),
	{
		what: 'two that fail',
		results: [failed, one('fail', { subject: 'reserved' })],
		codes: [1, 125, 1],
		why: /found 0; and 1 more$/,
	},
	{ what: 'a fail and a miss', results: [one('miss'), failed], codes: [1, 125, 1], why: /len-zero fail/ },
	{ what: 'a pass and a miss', results: [one('pass'), one('miss')], codes: [125, 125, 1], why: /len-zero miss/ },
	{ what: 'nothing but skips', results: [one('skip')], codes: [125, 125, 1], why: /^nothing passed \(1 skip\)/ },
	{
		what: 'nothing but a known failure',
		results: [one('xfail', { reason: 'known' })],
		codes: [125, 125, 1],
		why: /^nothing passed \(1 xfail\): heap.alloc.len-zero xfail on system, x86_64: known/,
	},
	{ what: 'nothing at all', results: [], codes: [125, 125, 1], why: /^nothing was judged/ },
	{
		what: 'a kernel that does not build',
		results: [unbuilt],
		codes: [125, 125, 1],
		why: /^machine\.build miss on x86_64: the kernel in \/src does not build for x86_64: heaps\/cma_heap\.c:279:40: error:/,
	},
	{
		what: 'one architecture does not build, the other fails',
		results: [unbuilt, one('fail', { arch: 'arm64' })],
		codes: [1, 125, 1],
		why: /on system, arm64/,
	},
	{ what: 'a kernel that panics while booting', results: [panic], codes: [125, 125, 1], why: /panicked while booting/ },
	{
		what: 'a boot that is silent',
		results: [machine('boot', 'miss', { reason: 'the kernel printed nothing', code: 'BOOT_SILENT' })],
		codes: [125, 125, 1],
		why: /machine\.boot miss on x86_64: the kernel printed nothing/,
	},
	{
		what: 'a guest that is not what was asked for',
		results: [machine('declaration', 'miss')],
		codes: [125, 125, 1],
		why: /machine\.declaration/,
	},
	{
		what: 'a report while booting, and then every case passes',
		results: [machine('boot', 'crash', { reason: warning.title, splats: [warning] }), one('pass')],
		codes: [125, 0, 1],
		why: /is that the bug\? then name it with --signature/,
	},
	{
		what: 'a report while booting, and a case that fails',
		results: [machine('boot', 'crash', { splats: [warning] }), failed],
		codes: [1, 125, 1],
		why: /len-zero fail/,
	},
	{
		what: 'a case that failed and then passed',
		results: [one('fail', { flaky: true }), one('pass', { subject: 'reserved' })],
		codes: [125, 125, 1],
		why: /^not the same when it was run again: heap/,
	},
	{
		what: 'a flaky case beside one that fails',
		results: [one('fail', { flaky: true }), one('fail', { subject: 'reserved' })],
		codes: [1, 125, 1],
		why: /on reserved/,
	},
	...['DISK_FULL', 'TOOL_MISSING', 'COMMAND_MISSING', 'OUT_OF_MEMORY'].map(
		(code): Row => ({
			what: `a fault of the host: ${code}`,
			results: [failed, machine('build', 'miss', { code, reason: 'not here' })],
			codes: [128, 128, 128],
			why: /^machine\.build miss on x86_64: not here$/,
		}),
	),
];

for (const { what, results, codes, why } of TABLE) {
	t.test(what, async (t) => {
		const answers = [
			bisectAnswer(results),
			bisectAnswer(results, { line: undefined }),
			bisectAnswer(results, { line: 'it' }),
		];
		t.same(
			answers.map(({ code }) => code),
			codes,
		);
		t.match(answers[0]?.why, why);
		for (const answer of answers) t.notMatch(answer.why, /\n/, 'one line');
	});
}

t.test('errors that end a run', async (t) => {
	t.equal(bisectCodeOfError('OPTION_LOST'), BISECT_EXIT.cannotJudge, 'of one commit');
	for (const code of [undefined, 'DISK_FULL', 'TREE_MISSING', 'NOTHING_MATCHES']) {
		t.equal(bisectCodeOfError(code), BISECT_EXIT.abort, code ?? 'a defect');
	}
});

t.test('a signature is looked for where the kernel and the cases speak', async (t) => {
	const directory = t.testdir();
	const find = (text: string, ...results: CaseResult[]) => findSignature(parseSignature(text), results, directory);
	t.match(await find('dma_heap_init', panic), /RIP: dma_heap_init/, 'a reason with its evidence');
	t.match(await find('dma_heap_init', machine('boot', 'crash', { splats: [warning] })), /^WARNING/, 'a report');
	t.match(await find('^found: 0', one('fail', { diagnostics: [['found', '0']] })), /found: 0/, 'diagnostics');
	t.equal(await find('undeclared', unbuilt), undefined, 'the compiler’s words are not');
	t.equal(await find('needs', one('skip', { reason: 'needs x' })), undefined, 'nor why a case was skipped');

	mkdirSync(join(directory, 'consoles'));
	const lines = [
		'[    0.0] Command line: console=ttyS0 panic=-1',
		'[    0.0] Kernel command line: console=ttyS0 panic=-1',
		'[    1.0] fencepost: case heap.alloc.len-zero',
		'[    1.1] dma_heap: odd',
		'x'.repeat(300_000),
		'[    2.0] BUG: KASAN: slab-use-after-free in dma_buf_release+0x1c/0x40',
	];
	writeFileSync(join(directory, 'consoles', '001.log'), `${lines.join('\r\n')} end`);
	t.equal(await find('panic=', one('pass')), undefined, 'the command line, echoed');
	t.equal(await find('len-zero', one('pass')), undefined, 'the mark before a case');
	t.equal(await find('dma_heap: odd', one('pass')), '[ 1.1] dma_heap: odd', 'even when every case passes');
	t.match(await find('KASAN: slab-use-after-free in dma_buf_release', one('pass')), /0x40 end$/, 'to the very end');
	for (const text of ['(', 'x*', '', '^']) {
		t.throws(() => parseSignature(text), FencepostError, `"${text}" is refused`);
	}
});
