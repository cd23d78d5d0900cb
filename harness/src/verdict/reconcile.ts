// SPDX-License-Identifier: MIT
import { type AttributedSplat, type KtapSummary, overall, type Verdict, worse } from './verdict.js';

/** How the program that printed the stream ended, as the guest's agent saw it. */
export interface ProgramOutcome {
	readonly status: number | undefined;
	readonly signal: number | undefined;
	/** It was killed because its deadline was over. */
	readonly timedOut: boolean;
}

/**
 * How the guest ended while the program ran. `panicked`: the kernel said so by another road than the console;
 * `hung`: it answered no more within its deadline; the others: it is gone, and only its console can tell why.
 */
export interface GuestEnded {
	readonly kind: 'panicked' | 'hung' | 'died' | 'killed' | 'stopped';
	readonly detail: string;
}

/** Something that a case left behind: a dma-buf still listed, CMA or memory not back. */
export interface Leak {
	readonly case?: string | undefined;
	readonly detail: string;
}

/** Everything that was seen of one suite's run in one guest. */
export interface SuiteWitnesses {
	/** The suite's name: what nobody else can be blamed for becomes a case of this name. */
	readonly suite: string;
	readonly ktap: KtapSummary;
	/** Ids of the cases that were asked for, in order; undefined for a program whose cases nobody knows beforehand. */
	readonly planned?: readonly string[] | undefined;
	/** Undefined when nobody saw the end of the program: the guest was gone first, or only logs were kept. */
	readonly outcome: ProgramOutcome | undefined;
	readonly guestEnded?: GuestEnded | undefined;
	readonly splats: readonly AttributedSplat[];
	/** The case begun last by the console's markers. */
	readonly running?: string | undefined;
	readonly leaks?: readonly Leak[] | undefined;
	/** A splat that a case provokes by design, and may: why (an OOM kill under a case that fills memory). */
	readonly tolerated?: ((splat: AttributedSplat) => string | undefined) | undefined;
}

/** A case after all witnesses were heard. */
export interface JudgedCase {
	readonly name: string;
	readonly verdict: Verdict;
	/** Empty for a plain pass. */
	readonly reason: string;
	readonly diagnostics: readonly (readonly [key: string, value: string])[];
	readonly splats: readonly AttributedSplat[];
	/** Made here: no line of the stream stands for it. */
	readonly synthetic: boolean;
}

export interface SuiteJudgement {
	readonly verdict: Verdict;
	readonly cases: readonly JudgedCase[];
}

/** kselftest.h: KSFT_SKIP. */
const SKIP_STATUS = 4;

class Draft {
	verdict: Verdict | undefined;
	readonly reasons: string[] = [];
	diagnostics: readonly (readonly [key: string, value: string])[] = [];
	readonly splats: AttributedSplat[] = [];
	constructor(
		readonly name: string,
		readonly synthetic: boolean,
	) {}

	/** One witness's word: the worst verdict stays, reasons for anything but a pass add up. */
	hear(verdict: Verdict, reason: string): void {
		this.verdict = this.verdict === undefined ? verdict : worse(this.verdict, verdict);
		if (reason !== '' && !this.reasons.includes(reason) && this.reasons.length < 20) this.reasons.push(reason);
	}
}

/** What broke the program off, with the verdict it means for the case that was running; undefined: nothing did. */
function interruption(seen: SuiteWitnesses): readonly [Verdict, string] | undefined {
	const { outcome, guestEnded } = seen;
	const fatal = seen.splats.find((splat) => splat.severity === 'fatal');
	if (outcome?.timedOut) return ['timeout', 'its deadline was over and it was killed'];
	if (outcome?.signal !== undefined) return ['fail', `the program was killed by signal ${outcome.signal}`];
	if (outcome) {
		if (outcome.status === 0) return undefined;
		return ['fail', `the program ended with status ${outcome.status ?? 'unknown'}`];
	}
	if (fatal) return ['crash', fatal.title];
	if (guestEnded?.kind === 'panicked') return ['crash', `the kernel panicked: ${guestEnded.detail}`];
	if (guestEnded?.kind === 'hung') return ['timeout', `the guest hung: ${guestEnded.detail}`];
	if (guestEnded) return ['miss', `the guest was gone and its console does not tell why: ${guestEnded.detail}`];
	return undefined;
}

/**
 * The first law: a verdict reconciles every witness, and the worst wins. Pure. docs/verdicts.md says the same in prose.
 *
 * - A splat makes the case it fell into a crash, whatever the case says of itself; one that no case can be found for
 *   makes the suite's own case a crash, so that it is never lost.
 * - A program broken off: the case that ran gets the verdict of what broke it (a fatal splat or a panic: crash;
 *   deadline or hung guest: timeout; signal or status: fail; a guest gone without a word: miss); planned cases behind
 *   it are misses that name the reason.
 * - Exit status against results: any status but 0 after a stream without a failure fails the suite; status 4 agrees
 *   with a stream that only skipped (kselftest.h). Status 0 does not excuse a `not ok`.
 * - A stream that contradicts itself, names cases that were not asked for, or is shorter than its plan after an orderly
 *   exit, fails the suite. Without anyone who saw the program end, a short or planless stream is a miss.
 * - No case at all is a miss, or what broke the program off; `1..0 # SKIP` is a skip.
 */
export function reconcileSuite(seen: SuiteWitnesses): SuiteJudgement {
	const { ktap, outcome } = seen;
	const cases = new Map<string, Draft>();
	const draft = (name: string, synthetic: boolean): Draft => {
		let found = cases.get(name);
		if (!found) {
			found = new Draft(name, synthetic);
			cases.set(name, found);
		}
		return found;
	};
	const suite = (verdict: Verdict, reason: string) => draft(seen.suite, true).hear(verdict, reason);

	for (const { name, verdict, reason, diagnostics } of ktap.cases) {
		const found = draft(name, false);
		found.hear(verdict, reason);
		if (found.diagnostics.length === 0 || verdict !== 'pass') found.diagnostics = diagnostics;
	}
	const reported = new Set(cases.keys());
	const planned = seen.planned ?? [];
	const unreached = planned.filter((name) => !reported.has(name));
	const broken = interruption(seen);
	const cut = ktap.incomplete.length > 0 || (ktap.planless && !outcome);

	// Cases asked for that nobody reported.
	if (unreached.length > 0) {
		const brokenOff = broken !== undefined || ktap.incomplete.length > 0;
		const running = seen.running !== undefined && unreached.includes(seen.running) ? seen.running : unreached[0];
		const [verdict, why] = broken ?? endedEarly(seen);
		for (const name of unreached) {
			if (brokenOff && name === running) draft(name, true).hear(verdict, why);
			else if (brokenOff) draft(name, true).hear('miss', `not reached: ${why}`);
			else draft(name, true).hear('miss', 'it was asked for, and the program never reported it');
		}
	}
	const blamed = unreached.length > 0 && (broken !== undefined || ktap.incomplete.length > 0);

	// The stream as a whole.
	for (const problem of ktap.unsound) suite('fail', problem);
	if (seen.planned) {
		const asked = new Set(seen.planned);
		for (const remark of ktap.remarks) suite('fail', remark);
		for (const name of reported) if (!asked.has(name)) suite('fail', `it reported "${name}", which was not asked for`);
	}
	if (cut && !blamed) {
		const [verdict] = broken ?? endedEarly(seen);
		for (const problem of ktap.incomplete) suite(verdict, problem);
		if (ktap.incomplete.length === 0) suite('miss', 'no plan, and nobody saw the program end: more may have followed');
	}
	if (ktap.caseCount > ktap.cases.length) {
		const lost = ktap.totals.fail + ktap.totals.timeout > 0 ? 'fail' : seen.planned ? 'fail' : 'pass';
		suite(lost, `${ktap.caseCount - ktap.cases.length} more cases were printed than are kept one by one`);
	}
	if (ktap.caseCount === 0 && planned.length === 0 && !cut) {
		if (ktap.skippedWhole !== undefined && (!broken || outcome?.status === SKIP_STATUS)) {
			suite('skip', ktap.skippedWhole || 'the program skipped itself');
		} else if (!broken) suite('miss', ktap.lines === 0 ? 'nothing was printed' : 'no case was reported');
	}

	// How the program ended, against what it said.
	if (broken && !blamed) {
		const [verdict, why] = broken;
		const failed = ktap.totals.fail + ktap.totals.timeout > 0;
		const skippedAll = ktap.totals.skip === ktap.caseCount && (ktap.caseCount > 0 || ktap.skippedWhole !== undefined);
		const agrees =
			outcome?.status !== undefined && !outcome.timedOut && (failed || (outcome.status === SKIP_STATUS && skippedAll));
		if (!agrees || cut) suite(verdict, failed || ktap.caseCount === 0 ? why : `${why}, though no case of it failed`);
	}

	for (const splat of seen.splats) {
		const found = splat.case === undefined ? draft(seen.suite, true) : draft(splat.case, !reported.has(splat.case));
		found.splats.push(splat);
		const excuse = seen.tolerated?.(splat);
		if (excuse === undefined) found.hear('crash', splat.title);
		else found.hear(found.synthetic ? 'miss' : 'pass', `${splat.title} (${excuse})`);
	}
	for (const leak of seen.leaks ?? []) {
		const found = leak.case === undefined ? draft(seen.suite, true) : draft(leak.case, !reported.has(leak.case));
		found.hear('fail', `left behind: ${leak.detail}`);
	}

	const judged = [...cases.values()].map(
		({ name, verdict = 'miss', reasons, diagnostics, splats, synthetic }): JudgedCase => ({
			name,
			verdict,
			reason: reasons.join('; '),
			diagnostics,
			splats,
			synthetic,
		}),
	);
	return { verdict: overall(judged.map(({ verdict }) => verdict)), cases: judged };
}

/** A stream that stops before its plan is met although nothing is known to have broken the program off. */
function endedEarly(seen: SuiteWitnesses): readonly [Verdict, string] {
	if (seen.outcome) return ['fail', 'the program ended with status 0 before it reported this'];
	return ['miss', 'the stream ends here, and nobody saw how the program ended'];
}
