// SPDX-License-Identifier: MIT
import { nowMs, timestamp } from '../core/clock.js';
import { FencepostError, messageOf } from '../core/errors.js';
import type { Progress } from '../core/progress.js';
import type { CaseResult } from '../results/events.js';
import { type Leak, worse } from '../verdict/verdict.js';
import type { Assignment, ListedCase } from './assignment.js';
import { type AttemptEnd, runAssignment } from './attempt.js';
import { targetFailure } from './boot-failure.js';
import type { RunContext } from './context.js';
import type { GroupProgress } from './group-progress.js';
import { lastWords } from './last-words.js';
import type { LaunchedGuest } from './launch.js';
import { leakSuspects, pinLeaks, type Suspect } from './pin-leaks.js';
import { MAX_SECOND_LOOKS, secondLook, wantsSecondLook } from './second-look.js';
import { bootAttempts, MODULES_UNUSABLE, type TargetGuests } from './target-guests.js';
import type { TargetResults } from './target-results.js';

/** What the units of a target share. */
export interface UnitContext {
	readonly run: RunContext;
	/** Of its target. */
	readonly progress: Progress;
	readonly guests: TargetGuests;
	readonly results: TargetResults;
	readonly groups: GroupProgress;
	/** Needs that the machine promises and this kernel can have. */
	readonly promises: ReadonlySet<string>;
}

/** A program's run in one guest. */
interface Attempt {
	readonly end: AttemptEnd;
	readonly results: readonly CaseResult[];
}

/**
 * Runs assignments one after the other in one guest; in another when that one is used up or gone, so that the cases
 * it did not reach are judged too.
 */
export class UnitRun {
	/**
	 * @param launched a fresh guest that is there already
	 * @param freeSlot called when nothing is left to do but to listen
	 */
	constructor(
		private readonly context: UnitContext,
		private readonly assignments: readonly Assignment[],
		private launched: LaunchedGuest | undefined,
		private readonly freeSlot: () => void,
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
			const { end, results } = await this.attempt(launched, left);
			tookMs += nowMs() - startedMs;
			const { unreached }: AttemptEnd = end;
			let judged = results;
			if (end.guestUsedUp) await this.stopGuest();
			else if (unreached.length === 0 && assignment === this.assignments.at(-1)) {
				judged = await this.withLastWords(left, results, launched);
			}
			await this.lookAgain(left, await this.withLeaksPinned(left, end.leaks, judged));
			left = unreached.length > 0 ? { ...left, cases: unreached } : undefined;
		}
		return tookMs;
	}

	private async attempt(launched: LaunchedGuest, assignment: Assignment): Promise<Attempt> {
		const { progress, promises, results: made } = this.context;
		const results: CaseResult[] = [];
		const { suite, subject, cases = [] } = assignment;
		const end = await progress.phase(
			subject === '' ? suite.name : `${suite.name} ${subject}`,
			() =>
				runAssignment(launched, assignment, promises, progress.signal, (judged) =>
					results.push(made.result(assignment, judged, launched.consoleFile)),
				),
			cases.length === 1 ? cases[0]?.case : undefined,
			true,
		);
		return { end, results };
	}

	/** Runs one case in a guest of its own. Undefined when none can be had for it. */
	private async alone(assignment: Assignment, one: ListedCase): Promise<Attempt | undefined> {
		await this.stopGuest();
		try {
			this.launched = await this.context.guests.launch([assignment.suite]);
			return await this.attempt(this.launched, { ...assignment, cases: [one] });
		} catch (error) {
			this.context.run.progress.signal.throwIfAborted();
			if (!(error instanceof FencepostError)) throw error;
			return undefined;
		} finally {
			await this.stopGuest();
		}
	}

	/** Results, with what the guest's kernel said after its work was done: late reports count. The guest is stopped. */
	private async withLastWords(
		assignment: Assignment,
		results: readonly CaseResult[],
		launched: LaunchedGuest,
	): Promise<readonly CaseResult[]> {
		const { run, results: made } = this.context;
		this.launched = undefined;
		run.emit({ type: 'guest-idle', time: timestamp(), guest: launched.id });
		this.freeSlot();
		const late = await lastWords(launched, assignment.suite.name, run.progress.signal);
		if (!late) return results;
		const [only] = results;
		if (assignment.cases?.length === 1 && only && results.length === 1) {
			const reason = [only.reason, late.reason].filter((text) => text !== '').join('; ');
			const verdict = worse(only.verdict, late.verdict);
			return [made.result(assignment, { ...only, verdict, reason, splats: late.splats }, launched.consoleFile)];
		}
		return [...results, made.result(assignment, late, launched.consoleFile)];
	}

	/** When something was left behind, the cases that may have done it are run alone, to find the one that did. */
	private async withLeaksPinned(
		assignment: Assignment,
		leaks: readonly Leak[],
		results: readonly CaseResult[],
	): Promise<readonly CaseResult[]> {
		if (this.context.run.isolate === 'run') return results;
		const suspects: Suspect[] = [];
		for (const one of leakSuspects(assignment, leaks, results)) {
			const attempt = await this.alone(assignment, one);
			suspects.push({ case: one.case, leaks: attempt?.end.leaks ?? [] });
		}
		return pinLeaks(results, assignment.suite.name, leaks, suspects);
	}

	/** Records results; those that are news are run again first, each alone in a fresh guest, where these cost nothing. */
	private async lookAgain(assignment: Assignment, results: readonly CaseResult[]): Promise<void> {
		const { run } = this.context;
		let looks = 0;
		for (const first of results) {
			const one = assignment.cases?.find((known) => known.case === first.case);
			const again =
				one !== undefined &&
				run.secondLook &&
				run.isolate !== 'run' &&
				first.attempts === 1 &&
				wantsSecondLook(first.verdict) &&
				!run.expected(first) &&
				looks++ < MAX_SECOND_LOOKS;
			run.record(again ? await this.lookedAtAgain(first, assignment, one) : first);
		}
	}

	private async lookedAtAgain(first: CaseResult, assignment: Assignment, one: ListedCase): Promise<CaseResult> {
		const results = (await this.alone(assignment, one))?.results ?? [];
		const own = results.find((result) => result.case === first.case);
		// The first look stands when there is no second: it did happen.
		if (!own) return first;
		// What nobody can be blamed for is the suite's own case; alone in a guest, that is this case's too.
		const worst = results.find((result) => wantsSecondLook(result.verdict));
		return secondLook(first, worst ? { ...own, verdict: worst.verdict, reason: worst.reason } : own);
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
