// SPDX-License-Identifier: MIT
import t from 'tap';
import { Patience } from '../../../src/machine/qemu/patience.js';

/** A guest whose time passes faster than ours. */
class FastClock {
	private readonly startedMs = performance.now();

	constructor(private readonly factor: number) {}

	now(): number {
		return (performance.now() - this.startedMs) * this.factor;
	}
}

const never = new Promise<never>(() => {});

t.test('whatever a guest does, waiting for it has an end', async (t) => {
	let heardMs = 0;
	const patience = new Patience(
		new FastClock(100),
		() => heardMs,
		() => 'the console’s tail',
	);
	t.equal(await patience.wait('an answer', Promise.resolve('said'), { totalMs: 1 }), 'said');
	await t.rejects(patience.wait('an answer', Promise.reject(new Error('gone')), { totalMs: 1 }), /gone/);

	const silent = patience.wait('an answer', never, { totalMs: 1e9, silentMs: 5000 });
	await t.rejects(silent, { code: 'GUEST_HUNG', blame: 'kernel', message: /silent for 5 s/, evidence: /tail/ });

	const chatter = setInterval(() => heardMs++, 10);
	const late = patience.wait('the end of a job', never, { totalMs: 30_000, silentMs: 5000 });
	await t.rejects(late, { code: 'GUEST_HUNG', message: 'the end of a job did not come within 30 s' });
	clearInterval(chatter);

	let shown: number | undefined;
	const showing = setInterval(() => {
		shown = (shown ?? 0) + 1;
	}, 10);
	const limits = { totalMs: 1e9, silentMs: 3000, lastSignMs: () => shown };
	const blind = patience.wait('a mark on the console', never, limits);
	setTimeout(() => clearInterval(showing), 300);
	await t.rejects(blind, { message: 'a mark on the console did not come within 3 s' });
	t.ok((shown ?? 0) > 10, 'what is shown meanwhile was a sign');
});

t.test('a guest whose time stands still is waited for', async (t) => {
	const patience = new Patience(
		new FastClock(0),
		() => 0,
		() => '',
	);
	const answer = new Promise((resolve) => setTimeout(() => resolve('late'), 600));
	t.equal(await patience.wait('an answer', answer, { totalMs: 1, silentMs: 1 }), 'late');
});
