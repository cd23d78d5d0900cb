// SPDX-License-Identifier: MIT
import { VERDICTS, type Verdict } from '../verdict/verdict.js';
import type { CaseResult, Totals } from './events.js';

export const EXIT = { allJudged: 0, failed: 1, usage: 2, notJudged: 3, interrupted: 130 } as const;

const FAILING: ReadonlySet<Verdict> = new Set(['fail', 'crash', 'timeout', 'xpass']);

/** Whether a verdict makes the run fail (exit code 1). */
export function isFailing(verdict: Verdict): boolean {
	return FAILING.has(verdict);
}

export function countVerdicts(results: Iterable<Pick<CaseResult, 'verdict'>>): Totals {
	const totals = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
	for (const { verdict } of results) totals[verdict]++;
	return totals;
}

/**
 * The pinned exit code: 1 for any fail, crash, timeout or xpass; else 3 for any miss; else 0. A run in which
 * nothing was judged at all is a 3: no results is never a pass.
 */
export function exitCode(totals: Totals): number {
	if (VERDICTS.some((verdict) => FAILING.has(verdict) && totals[verdict] > 0)) return EXIT.failed;
	const judged = VERDICTS.reduce((sum, verdict) => sum + totals[verdict], 0);
	return totals.miss > 0 || judged === 0 ? EXIT.notJudged : EXIT.allJudged;
}
