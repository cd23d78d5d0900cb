// SPDX-License-Identifier: MIT
import t from 'tap';
import type { CaseResult } from '../../src/results/events.js';
import type { Assignment } from '../../src/run/assignment.js';
import { leakSuspects, MAX_SUSPECTS, pinLeaks } from '../../src/run/pin-leaks.js';
import { leakReason } from '../../src/verdict/reconcile.js';
import type { Leak, Verdict } from '../../src/verdict/verdict.js';

const leak: Leak = { kind: 'dma-buf', title: '1 dma-buf still listed', detail: 'there were 0 dma-bufs' };
const pages: Leak = { kind: 'cma', title: '16 pages of the CMA area reserved not back', detail: 'it had 0' };

const result = (name: string, verdict: Verdict, reason = ''): CaseResult =>
	({ case: name, verdict, reason, attempts: 1, suite: 'alloc' }) as CaseResult;

function assignment(...cases: string[]): Assignment {
	const known = cases.map((name) => ({ case: name, catalogue: '', needs: [] }));
	const suite = { name: 'alloc', guestPath: '', args: [], cases: known, file: undefined, option: undefined };
	return { suite, subject: 'system', cases: known };
}

const shown = (results: readonly CaseResult[]) =>
	results.map((one) => `${one.verdict} ${one.case}${one.reason === '' ? '' : `: ${one.reason}`}`);

t.test('who is looked at alone', async (t) => {
	const results = [result('a', 'pass'), result('b', 'fail'), result('c', 'skip'), result('d', 'miss')];
	const names = (leaks: readonly Leak[], ...cases: string[]) =>
		leakSuspects(assignment(...cases), leaks, results).map((one) => one.case);
	t.same(names([leak], 'a', 'b', 'c', 'd'), ['a', 'b'], 'whoever did anything');
	t.same(names([], 'a', 'b'), [], 'nobody, where nothing leaked');
	t.same(names([leak], 'a'), [], 'nobody, where it was the only one');
	t.same(
		leakSuspects({ ...assignment(), cases: undefined }, [leak], results),
		[],
		'a program whose cases nobody knows',
	);
	const many = Array.from({ length: 300 }, (_, i) => `c${i}`);
	const passed = many.map((name) => result(name, 'pass'));
	t.equal(leakSuspects(assignment(...many), [leak], passed).length, MAX_SUSPECTS);
});

t.test('the guilty case fails, and the suite has nothing more to say', async (t) => {
	const results = [result('a', 'pass'), result('b', 'pass'), result('alloc', 'fail', leakReason(leak))];
	const pinned = pinLeaks(
		results,
		'alloc',
		[leak],
		[
			{ case: 'a', leaks: [] },
			{ case: 'b', leaks: [leak] },
		],
	);
	t.same(shown(pinned), ['pass a', 'fail b: left behind: 1 dma-buf still listed (there were 0 dma-bufs)']);
	t.match(pinned[1], { attempts: 2, earlier: [{ verdict: 'pass', reason: '' }] });
	t.notOk(pinned[1]?.flaky, 'alone it did what it did among the others');
});

t.test('several are guilty; worse verdicts, and what else the suite said, stay', async (t) => {
	const own = `${leakReason(leak)}; ${leakReason(pages)}`;
	const results = [
		result('a', 'pass'),
		result('b', 'crash', 'WARNING: x'),
		result('alloc', 'fail', `the program ended with status 3; ${own}`),
	];
	const pinned = pinLeaks(
		results,
		'alloc',
		[leak, pages],
		[
			{ case: 'a', leaks: [pages] },
			{ case: 'b', leaks: [leak] },
		],
	);
	t.same(shown(pinned), [
		`fail a: ${leakReason(pages)}`,
		`crash b: WARNING: x; ${leakReason(leak)}`,
		`fail alloc: the program ended with status 3; ${own}`,
	]);
});

t.test('nobody is guilty alone: the suite’s own failure stands and says so', async (t) => {
	const results = [result('a', 'pass'), result('alloc', 'fail', leakReason(leak))];
	const none = pinLeaks(results, 'alloc', [leak], [{ case: 'a', leaks: [] }]);
	t.same(shown(none), ['pass a', `fail alloc: ${leakReason(leak)}; none of its cases leaves that behind alone`]);
	t.same(pinLeaks(results, 'alloc', [leak], []), results, 'nobody was looked at');
	t.same(pinLeaks(results, 'alloc', [], [{ case: 'a', leaks: [leak] }]), results, 'nothing leaked');
});
