// SPDX-License-Identifier: MIT
import type { CaseResult } from '../results/events.js';
import { leakReason } from '../verdict/reconcile.js';
import { type Leak, type Verdict, worse } from '../verdict/verdict.js';
import type { Assignment, ListedCase } from './assignment.js';

/** Cases of one leaking suite that are looked at one by one. */
export const MAX_SUSPECTS = 128;

/** These did nothing that could leave anything behind. */
const DID_NOTHING: ReadonlySet<Verdict> = new Set(['skip', 'miss']);

/**
 * The cases to be run alone, each in a guest of its own, because something was left behind by one of them and nothing
 * tells which. None where there was no leak, or only one case that could have been it: then it has been blamed.
 */
export function leakSuspects(
	assignment: Assignment,
	leaks: readonly Leak[],
	results: readonly CaseResult[],
): readonly ListedCase[] {
	const cases = assignment.cases ?? [];
	if (leaks.length === 0 || cases.length < 2) return [];
	const ran = new Set(results.filter(({ verdict }) => !DID_NOTHING.has(verdict)).map((one) => one.case));
	return cases.filter((one) => ran.has(one.case)).slice(0, MAX_SUSPECTS);
}

/** A suspect that was run alone. */
export interface Suspect {
	readonly case: string;
	/** What it left behind then. */
	readonly leaks: readonly Leak[];
}

/**
 * Lays a suite's leak at the door of the cases that leave something behind when run alone: each fails, both looks are
 * kept, and the suite's own case, where the leak is all that it said, has nothing left to say. Where none is guilty
 * alone, the suite's own failure stands, with that in its reason. Pure.
 * @param results of the suite's run, with its own case among them @param suite its name
 */
export function pinLeaks(
	results: readonly CaseResult[],
	suite: string,
	leaks: readonly Leak[],
	suspects: readonly Suspect[],
): readonly CaseResult[] {
	if (leaks.length === 0 || suspects.length === 0) return results;
	const guilty = new Map(suspects.filter((one) => one.leaks.length > 0).map((one) => [one.case, one.leaks]));
	const told = leaks.map(leakReason).join('; ');
	return results.flatMap((one): readonly CaseResult[] => {
		if (one.case === suite) {
			if (guilty.size === 0) return [{ ...one, reason: `${one.reason}; none of its cases leaves that behind alone` }];
			return one.reason === told ? [] : [one];
		}
		const left = guilty.get(one.case);
		if (!left) return [one];
		const reason = [one.reason, ...left.map(leakReason)].filter((text) => text !== '').join('; ');
		const earlier = [{ verdict: one.verdict, reason: one.reason }];
		return [{ ...one, ownWord: false, verdict: worse(one.verdict, 'fail'), reason, attempts: 2, earlier }];
	});
}
