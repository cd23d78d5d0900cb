// SPDX-License-Identifier: MIT
import type { AttributedSplat, KtapSummary, KtapVerdict } from '../verdict/verdict.js';
import type { ListedCase } from './assignment.js';

/** What was seen of a program whose cases were asked for by name. */
export interface Glimpse {
	readonly ktap: KtapSummary;
	/** By the console's markers: the case that began last while the kernel could be trusted … */
	readonly running: string | undefined;
	/** … and those that began after that. */
	readonly doubtful: ReadonlySet<string>;
	readonly splats: readonly AttributedSplat[];
	/** It did not come to its end. */
	readonly brokenOff: boolean;
}

export interface Reach {
	/** Cases to be judged by this attempt. */
	readonly judgeable: readonly ListedCase[];
	/** Cases to be run again, in another guest. */
	readonly unreached: readonly ListedCase[];
	/** The stream as far as it counts. */
	readonly ktap: KtapSummary;
}

/**
 * Splits the cases asked for into those that can be judged now and those that something broke off before their turn,
 * or that began in a kernel that had said something severe before: what these printed does not count. Every attempt
 * judges at least one case, so that there is an end to it: where nothing tells which one was running, the first that
 * is silent has to answer for the end, unless a report says that it was another, which has been reported.
 */
export function reach(cases: readonly ListedCase[], seen: Glimpse): Reach {
	const { ktap, running, doubtful, splats, brokenOff } = seen;
	const doubted = cases.filter((one) => doubtful.has(one.case));
	if (!brokenOff && doubted.length === 0) return { judgeable: cases, unreached: [], ktap };
	// What the end cut short in the middle of its line was not reported.
	const whole = brokenOff ? ktap.cases.filter(({ line }) => line !== ktap.stopsInside) : ktap.cases;
	const reported = new Set(whole.map(({ name }) => name).filter((name) => !doubtful.has(name)));
	const silent = cases.filter((one) => !reported.has(one.case));
	const told = splats.some(
		({ severity, case: name }) => severity !== 'warning' && name !== undefined && reported.has(name),
	);
	const guilty =
		silent.find((one) => one.case === running) ??
		(told ? undefined : silent.find((one) => !doubtful.has(one.case))) ??
		(reported.size > 0 ? undefined : silent[0]);
	const unreached = silent.filter((one) => one !== guilty);
	return {
		judgeable: cases.filter((one) => !unreached.includes(one)),
		unreached,
		ktap: unreached.length === 0 ? ktap : withoutCases(ktap, new Set(unreached.map((one) => one.case))),
	};
}

/** The stream as if these cases had never been announced: what is missing of its plan is run elsewhere. */
function withoutCases(ktap: KtapSummary, names: ReadonlySet<string>): KtapSummary {
	const dropped = ktap.cases.filter(({ name }) => names.has(name));
	const totals: Record<KtapVerdict, number> = { ...ktap.totals };
	for (const { verdict } of dropped) totals[verdict]--;
	return {
		...ktap,
		cases: ktap.cases.filter(({ name }) => !names.has(name)),
		caseCount: ktap.caseCount - dropped.length,
		totals,
		incomplete: [],
		problems: [...ktap.illegible, ...ktap.unsound],
	};
}
