// SPDX-License-Identifier: MIT

import { KtapParser } from './ktap.js';
import { type JudgedCase, reconcileSuite } from './reconcile.js';
import type { AttributedSplat, KtapSummary, Splat, Verdict } from './verdict.js';

/** What was kept of a run that is over. Each part may be missing. */
export interface SavedLogs {
	readonly ktap?: KtapSummary | undefined;
	readonly splats?: readonly AttributedSplat[] | undefined;
	/** Kernel messages that the console lost. */
	readonly droppedMessages?: number | undefined;
	/** Exit status of the program that printed the stream. */
	readonly status?: number | undefined;
}

/** Pinned in the design: what `fencepost judge --json` prints. */
export interface Judgement {
	readonly verdict: Verdict;
	readonly cases: readonly JudgedCase[];
	readonly splats: readonly Splat[];
}

/** Name of the case that stands for what no case of the stream can be blamed for. */
export const WHOLE_LOG = '(log)';

/** Judges saved logs: the same parser, classifier and reconciliation that a run uses. */
export function judge(logs: SavedLogs): Judgement {
	const splats = logs.splats ?? [];
	const outcome = logs.status === undefined ? undefined : { status: logs.status, signal: undefined, timedOut: false };
	const { verdict, cases } = reconcileSuite({
		suite: WHOLE_LOG,
		ktap: logs.ktap ?? new KtapParser().end(),
		outcome,
		splats,
		droppedMessages: logs.droppedMessages,
	});
	if (logs.ktap) return { verdict, cases, splats };
	// Only a console: its reports are the verdict, and a clean one says nothing, because no case was seen to run.
	const unheard = 'no case was judged: there is no KTAP stream, and the console shows no report';
	const own = cases.map((one) => ({
		...one,
		reason: splats.length > 0 || logs.status ? one.reason.replace(/^nothing was printed(; )?/, '') : unheard,
	}));
	return { verdict, cases: own, splats };
}

/**
 * Attributes splats of a log that holds results too (KUnit's): to the case whose result line comes next after the
 * report began, because a case prints its result when it is over.
 */
export function attributeByLine(splats: readonly Splat[], ktap: KtapSummary): readonly AttributedSplat[] {
	const cases = [...ktap.cases].sort((a, b) => a.line - b.line);
	return splats.map((splat) => {
		const next = cases.find(({ line }) => line >= splat.line);
		return next ? { ...splat, case: next.name } : splat;
	});
}

/** Exit codes as pinned in the design: 0 judged and not failed, 1 failed, 3 could not be judged. */
export function exitCodeOf(verdict: Verdict): 0 | 1 | 3 {
	switch (verdict) {
		case 'pass':
		case 'skip':
		case 'xfail':
			return 0;
		case 'miss':
			return 3;
		default:
			return 1;
	}
}
