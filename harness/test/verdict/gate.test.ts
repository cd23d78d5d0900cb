// SPDX-License-Identifier: MIT
import t from 'tap';
import { CASE_CLASSES } from '../../src/core/case-class.js';
import { Gate, type GatedResult } from '../../src/verdict/gate.js';
import { KtapParser } from '../../src/verdict/ktap.js';
import { reconcileSuite, type SuiteWitnesses } from '../../src/verdict/reconcile.js';

const failed = (changes: Partial<GatedResult>): GatedResult => ({
	...{ case: 'a.b', verdict: 'fail', reason: 'expected 1, found 2', class: 'IMPL', ownWord: true },
	...changes,
});

t.test('a failed assertion of a class that does not gate is a warning', (t) => {
	const gate = new Gate(['ABI'], ['a.named', 'a.glob*']);
	t.match(gate.apply(failed({})), {
		verdict: 'xfail',
		warning: true,
		reason: 'IMPL does not gate: expected 1, found 2',
	});
	t.match(gate.apply(failed({ class: 'QUIRK' })), { verdict: 'xfail' });
	for (const stays of [
		failed({ class: 'ABI' }),
		failed({ class: undefined }),
		failed({ case: 'a.named' }),
		failed({ ownWord: false }),
		failed({ ownWord: undefined }),
		failed({ verdict: 'crash' }),
		failed({ verdict: 'timeout' }),
		failed({ verdict: 'miss' }),
		failed({ verdict: 'pass' }),
	]) {
		t.equal(gate.apply(stays), stays, JSON.stringify(stays));
	}
	t.equal(new Gate(CASE_CLASSES).apply(failed({})).verdict, 'fail');
	t.equal(new Gate(['QUIRK']).apply(failed({ class: 'ABI' })).verdict, 'xfail');
	t.end();
});

t.test('the case\u2019s own word: a result line that no other witness adds to', (t) => {
	const judge = (text: string, seen: Partial<SuiteWitnesses> = {}) => {
		const parser = new KtapParser();
		parser.push(Buffer.from(text));
		const ktap = parser.end();
		const outcome = { status: 1, signal: undefined, timedOut: false, stuck: false };
		return reconcileSuite({ suite: 's', ktap, splats: [], planned: ['a'], outcome, ...seen } as SuiteWitnesses).cases;
	};
	t.match(judge('KTAP version 1\n1..1\nnot ok 1 a\n'), [{ name: 'a', verdict: 'fail', ownWord: true }]);
	const leaks = [{ title: 'a dma-buf', detail: '4096 bytes' }] as unknown as SuiteWitnesses['leaks'];
	t.match(judge('KTAP version 1\n1..1\nnot ok 1 a\n', { leaks }), [{ name: 'a', verdict: 'fail', ownWord: false }]);
	t.match(judge('KTAP version 1\n1..1\n'), [{ name: 'a', verdict: 'fail', ownWord: false }]);
	t.end();
});
