// SPDX-License-Identifier: MIT
import type { CaseResult } from '../results/events.js';
import type { Verdict } from '../verdict/verdict.js';

/** More of one suite's failures than this say that something larger is wrong, which a second look would only repeat. */
export const MAX_SECOND_LOOKS = 16;

const NO_NEWS: ReadonlySet<Verdict> = new Set(['pass', 'skip', 'xfail']);

/** Whether a verdict is worth running its case again, alone in a fresh guest. */
export function wantsSecondLook(verdict: Verdict): boolean {
	return !NO_NEWS.has(verdict);
}

/**
 * A case that was run twice (design: third law). A miss is what the second run says. Anything else stands, because it
 * did happen; when the second run says otherwise the case is flaky, and both are kept.
 */
export function secondLook(first: CaseResult, second: CaseResult): CaseResult {
	const earlier = [{ verdict: first.verdict, reason: first.reason }];
	if (first.verdict === 'miss') return { ...second, attempts: 2, earlier };
	if (second.verdict === first.verdict || second.verdict === 'miss') return { ...first, attempts: 2, earlier };
	const reason = `${first.reason}; run again alone in a fresh guest: ${second.verdict}`;
	return { ...first, reason, attempts: 2, earlier, flaky: true };
}
