// SPDX-License-Identifier: MIT
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import type { Assignment } from '../../src/run/assignment.js';
import { Estimates } from '../../src/run/estimates.js';
import { alloc } from './scripted.js';

const SLOW = { case: 'slow', catalogue: 'X-01', needs: [] };
const QUICK = { case: 'quick', catalogue: 'X-02', needs: [] };

function assignment(...cases: (typeof SLOW)[]): Assignment {
	return { suite: alloc, subject: 'system', cases };
}

t.test('what a suite took is known of each of its cases, and of one that was alone by itself', async (t) => {
	const cache = new Cache(t.testdir());
	const estimates = await Estimates.load(cache);
	const startMs = estimates.estimateMs('arm64', []);
	estimates.learn('arm64', assignment(SLOW, QUICK), 400);
	t.equal(estimates.estimateMs('arm64', [assignment(SLOW)]) - startMs, 200);
	estimates.learn('arm64', assignment(SLOW), 900);
	t.equal(estimates.estimateMs('arm64', [assignment(SLOW)]) - startMs, 900);
	t.equal(estimates.estimateMs('arm64', [assignment(QUICK)]) - startMs, 200);
	t.equal(estimates.estimateMs('arm64', [assignment(SLOW, QUICK)]) - startMs, 400);
	t.not(estimates.estimateMs('x86_64', [assignment(SLOW)]) - startMs, 900, 'another architecture');

	estimates.learn('arm64', assignment(SLOW), 500);
	await estimates.save();
	const later = await Estimates.load(cache);
	t.equal(later.estimateMs('arm64', [assignment(SLOW)]) - startMs, 700, 'the last counts half');
});
