// SPDX-License-Identifier: MIT
import { timestamp } from '../core/clock.js';
import type { RunEvent, SuiteGroup } from '../results/events.js';
import type { Assignment } from './assignment.js';

/**
 * Says when a suite begins and ends on a subject, whatever number of guests share its cases, and how long its parts
 * took together, and those of one case by themselves.
 */
export class GroupProgress {
	private readonly open = new Map<
		string,
		{ readonly whole: Assignment; partsLeft: number; begun: boolean; tookMs: number }
	>();

	constructor(
		private readonly emit: (event: RunEvent) => void,
		private readonly groupOf: (assignment: Assignment) => SuiteGroup,
		private readonly learn: (assignment: Assignment, tookMs: number) => void,
	) {}

	/** A whole assignment, and into how many parts it was cut; parts of one group add up. */
	expect(whole: Assignment, parts: number): void {
		const state = this.open.get(keyOf(whole));
		if (state) state.partsLeft += parts;
		else this.open.set(keyOf(whole), { whole, partsLeft: parts, begun: false, tookMs: 0 });
	}

	begin(part: Assignment): void {
		const state = this.open.get(keyOf(part));
		if (!state || state.begun) return;
		state.begun = true;
		const planned = state.whole.cases?.length;
		this.emit({ type: 'suite-start', time: timestamp(), group: this.groupOf(state.whole), planned });
	}

	/** @param tookMs without the guest's start; 0 when nothing ran */
	end(part: Assignment, tookMs: number): void {
		const state = this.open.get(keyOf(part));
		if (!state) return;
		state.tookMs += tookMs;
		if (tookMs > 0 && part.cases?.length === 1) this.learn(part, tookMs);
		if (--state.partsLeft > 0) return;
		this.open.delete(keyOf(part));
		if (state.tookMs > 0 && state.whole.cases?.length !== 1) this.learn(state.whole, state.tookMs);
		this.emit({ type: 'suite-end', time: timestamp(), group: this.groupOf(state.whole) });
	}
}

function keyOf({ suite, subject }: Assignment): string {
	return JSON.stringify([suite.name, suite.option ?? '', subject]);
}
