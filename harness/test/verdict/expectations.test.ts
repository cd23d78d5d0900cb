// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import t from 'tap';
import { FencepostError } from '../../src/core/errors.js';
import {
	applyExpectations,
	type ExpectableResult,
	parseExpectations,
	parseReleaseRange,
} from '../../src/verdict/expectations.js';

const base: ExpectableResult = {
	case: 'heap.alloc.len-zero',
	subject: 'system',
	release: '6.12.117-fencepost',
	arch: 'arm64',
	verdict: 'fail',
	reason: 'expected -1, found 0',
};
const entry = (more: string) => `- case: heap.alloc.*\n  reason: known\n  link: https://example.org/1\n${more}`;

t.test('ranges of releases', async (t) => {
	for (const [written, range] of [
		['<=6.12', { until: '6.12' }],
		['>=6.1', { since: '6.1' }],
		['>=6.1 <=6.12.107', { since: '6.1', until: '6.12.107' }],
		['6.12', { since: '6.12', until: '6.12' }],
		['=6.12', { since: '6.12', until: '6.12' }],
		['<6.12', undefined],
		['six', undefined],
		['', undefined],
		['<=6.1 <=6.2', undefined],
	] as const) {
		t.strictSame(parseReleaseRange(written), range, written);
	}
});

t.test('what is wrong is named with file, line and column', async (t) => {
	for (const [what, yaml, message, hint] of [
		['not a list', 'case: x\n', /e\.yaml:1:1/, undefined],
		['no reason', '- case: x\n  link: y\n', /e\.yaml:1:3: 0\.reason/, undefined],
		['an empty link', entry('').replace('https://example.org/1', '""'), /e\.yaml:3:9: 0\.link/, undefined],
		['an unknown field', entry('  kernels: "6.1"\n'), /e\.yaml:4:12: unknown field "kernels"/, /did you mean kernel\?/],
		['a range that is none', entry('  kernel: "<6.12"\n'), /e\.yaml:4:11: kernel: "<6\.12" is no range/, /<=6\.12/],
		['an architecture that is none', entry('  arch: riscv\n'), /e\.yaml:4:9/, undefined],
		['a verdict nobody can expect', entry('  verdict: miss\n'), /e\.yaml:4:12/, undefined],
		['broken YAML', '- case: "x\n', /e\.yaml:2:1/, undefined],
	] as const) {
		try {
			parseExpectations(yaml, 'e.yaml');
			t.fail(`${what} is accepted`);
		} catch (error) {
			if (!(error instanceof FencepostError)) throw error;
			t.equal(error.blame, 'usage', what);
			t.match(error.message, message, `${what}: ${error.message}`);
			if (hint) t.match(error.hint, hint, what);
		}
	}
	t.strictSame(parseExpectations('', 'e.yaml'), []);
	t.strictSame(parseExpectations('# nothing yet\n[]\n', 'e.yaml'), []);
});

t.test('applied to results', async (t) => {
	const rows: readonly [string, string, Partial<ExpectableResult>, string, number][] = [
		['the expected failure', '', {}, 'xfail', 0],
		['a pass where a failure was expected', '', { verdict: 'pass', reason: '' }, 'xpass', 0],
		['a race that is sometimes won', '  intermittent: true\n', { verdict: 'pass', reason: '' }, 'pass', 0],
		['and sometimes lost', '  intermittent: true\n', {}, 'xfail', 0],
		['another failure than the expected', '', { verdict: 'crash' }, 'crash', 0],
		['a skip fits and stays', '', { verdict: 'skip' }, 'skip', 0],
		['a miss stays', '', { verdict: 'miss' }, 'miss', 0],
		['another case', '', { case: 'mmap.x' }, 'fail', 1],
		['another subject', '  subject: "reserved*"\n', {}, 'fail', 1],
		['a kernel in range', '  kernel: "<=6.12"\n', {}, 'xfail', 0],
		['a kernel out of range: nothing to report', '  kernel: "<=6.11"\n', {}, 'fail', 0],
		['a range in two fields', '  kernel: { since: "6.12.117" }\n', {}, 'xfail', 0],
		['a kernel of unknown release', '  kernel: "<=6.12"\n', { release: '' }, 'fail', 0],
		['another architecture: nothing to report', '  arch: x86_64\n', {}, 'fail', 0],
		['an expected crash', '  verdict: crash\n', { verdict: 'crash' }, 'xfail', 0],
		['a failure in the words expected', '  says: "found 3"\n', { reason: 'expected 2, found 3' }, 'xfail', 0],
		['a failure in other words', '  says: "found 3"\n', { reason: 'expected 2, found 4' }, 'fail', 0],
		['a pass has no words', '  says: "found 3"\n', { verdict: 'pass', reason: '' }, 'xpass', 0],
	];
	for (const [what, more, change, verdict, unmatched] of rows) {
		const applied = applyExpectations([{ ...base, ...change }], parseExpectations(entry(more), 'e.yaml'));
		t.equal(applied.results[0]?.verdict, verdict, what);
		t.equal(applied.unmatched.length, unmatched, `${what}: unmatched`);
	}
	const { results } = applyExpectations([base], parseExpectations(entry(''), 'e.yaml'));
	t.equal(results[0]?.reason, 'known (https://example.org/1): expected -1, found 0');
	const { unmatched } = applyExpectations([{ ...base, case: 'other' }], parseExpectations(entry(''), 'e.yaml'));
	t.equal(unmatched[0]?.where, 'e.yaml:1:3');
});

t.test('the project’s own list', async (t) => {
	const list = parseExpectations(readFileSync('kernels/expectations.yaml', 'utf8'), 'kernels/expectations.yaml');
	const result = { ...base, case: 'heap.alloc.argument-read-only' };
	for (const [release, verdict] of [
		['5.10.223', 'xfail'],
		['6.1.176', 'xfail'],
		['6.12.107', 'xfail'],
		['6.12.117', 'fail'],
		['7.3.4', 'fail'],
	] as const) {
		t.equal(applyExpectations([{ ...result, release }], list).results[0]?.verdict, verdict, release);
	}
});
