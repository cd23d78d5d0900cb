// SPDX-License-Identifier: MIT
import { nowMs } from '../core/clock.js';
import { FencepostError, messageOf } from '../core/errors.js';
import type { CaseResult } from '../results/events.js';
import type { Assignment } from './assignment.js';
import { type AttemptEnd, runAssignment } from './attempt.js';
import { targetFailure } from './boot-failure.js';
import type { RunContext } from './context.js';
import type { GroupProgress } from './group-progress.js';
import type { LaunchedGuest } from './launch.js';
import { MAX_SECOND_LOOKS, secondLook, wantsSecondLook } from './second-look.js';
import { bootAttempts, MODULES_UNUSABLE, type TargetGuests } from './target-guests.js';
import type { TargetResults } from './target-results.js';

/** What the units of a target share. */
export interface UnitContext {
	readonly run: RunContext;
	readonly guests: TargetGuests;
	readonly results: TargetResults;
	readonly groups: GroupProgress;
	/** Needs that the machine promises and this kernel can have. */
	readonly promises: ReadonlySet<string>;
}

/**
 * Runs assignments one after the other in one guest; in another when that one is used up or gone, so that the cases
 * it did not reach are judged too.
 */
export class UnitRun {
	/** @param launched a fresh guest that is there already */
	constructor(
		private readonly context: UnitContext,
		private readonly assignments: readonly Assignment[],
		private launched: LaunchedGuest | undefined,
	) {}

	async run(): Promise<void> {
		const { groups } = this.context;
		try {
			for (const assignment of this.assignments) {
				groups.begin(assignment);
				groups.end(assignment, await this.finish(assignment));
			}
		} finally {
			await this.stopGuest();
		}
	}

	/**
	 * Runs an assignment until every case of it is judged. Each guest judges at least one, so this ends. Returns how
	 * long its program ran, in ms.
	 */
	private async finish(assignment: Assignment): Promise<number> {
		let left: Assignment | undefined = assignment;
		let tookMs = 0;
		while (left) {
			this.context.run.progress.signal.throwIfAborted();
			const launched = await this.guest(left);
			if (!launched) return tookMs;
			const startedMs = nowMs();
			const { attempt, results } = await this.attempt(launched, left);
			tookMs += nowMs() - startedMs;
			if (attempt.guestUsedUp) await this.stopGuest();
			await this.lookAgain(left, results);
			const { unreached }: AttemptEnd = attempt;
			left = unreached.length > 0 ? { ...left, cases: unreached } : undefined;
		}
		return tookMs;
	}

	private async attempt(
		launched: LaunchedGuest,
		assignment: Assignment,
	): Promise<{ readonly attempt: AttemptEnd; readonly results: readonly CaseResult[] }> {
		const { run, promises, results: made } = this.context;
		const results: CaseResult[] = [];
		const attempt = await runAssignment(launched, assignment, promises, run.progress.signal, (judged) =>
			results.push(made.result(assignment, judged, launched.consoleFile)),
		);
		return { attempt, results };
	}

	/** Records results; those that are news are run again first, each alone in a fresh guest, where these cost nothing. */
	private async lookAgain(assignment: Assignment, results: readonly CaseResult[]): Promise<void> {
		const { run } = this.context;
		let looks = 0;
		for (const first of results) {
			const alone = assignment.cases?.filter((one) => one.case === first.case) ?? [];
			const again =
				alone.length === 1 &&
				run.isolate !== 'run' &&
				wantsSecondLook(first.verdict) &&
				!run.expected(first) &&
				looks++ < MAX_SECOND_LOOKS;
			run.record(again ? await this.secondLook(first, { ...assignment, cases: alone }) : first);
		}
	}

	private async secondLook(first: CaseResult, part: Assignment): Promise<CaseResult> {
		await this.stopGuest();
		try {
			this.launched = await this.context.guests.launch([part.suite]);
			const { results } = await this.attempt(this.launched, part);
			const own = results.find((one) => one.case === first.case);
			// What nobody can be blamed for is the suite's own case; alone in a guest, that is this case's too.
			const worst = results.find((one) => wantsSecondLook(one.verdict));
			if (!own) return first;
			return secondLook(first, worst ? { ...own, verdict: worst.verdict, reason: worst.reason } : own);
		} catch (error) {
			this.context.run.progress.signal.throwIfAborted();
			if (!(error instanceof FencepostError)) throw error;
			// The first look stands: it did happen.
			return first;
		} finally {
			await this.stopGuest();
		}
	}

	/** The running guest, or a fresh one. Undefined when none can be had: then every case left is a miss that says why. */
	private async guest(left: Assignment): Promise<LaunchedGuest | undefined> {
		if (this.launched) return this.launched;
		const { guests, results, run } = this.context;
		try {
			this.launched = await guests.launch(this.assignments.map(({ suite }) => suite));
			return this.launched;
		} catch (error) {
			run.progress.signal.throwIfAborted();
			if (!(error instanceof FencepostError)) throw error;
			if (error.code !== MODULES_UNUSABLE) results.recordFailure(targetFailure('boot', error), bootAttempts(error), '');
			results.recordAll(left, 'miss', `no guest to run it in: ${messageOf(error)}`);
			return undefined;
		}
	}

	private async stopGuest(): Promise<void> {
		const launched = this.launched;
		this.launched = undefined;
		await launched?.guest.stop();
	}
}
