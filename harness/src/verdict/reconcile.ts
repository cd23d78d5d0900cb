// SPDX-License-Identifier: MIT
import { type TaintWitness, unexplainedTaints } from './splat/taint.js';
import { toldReport } from './splat/told.js';
import { type AttributedSplat, type KtapSummary, type Leak, overall, type Verdict, worse } from './verdict.js';

/** How the program that printed the stream ended, as the guest's agent saw it. */
export interface ProgramOutcome {
	readonly status: number | undefined;
	readonly signal: number | undefined;
	/** It was killed because its deadline was over. */
	readonly timedOut: boolean;
	/** Something that it had started did not die of SIGKILL: the kernel holds on to it. */
	readonly stuck?: boolean | undefined;
}

/**
 * How the guest ended while the program ran, or before it could be looked at after it. `panicked`: the kernel said so
 * by another road than the console; `hung`: it answered no more within its deadline; `shutdown`: its console says that
 * it was turned off, or started again; `unusable`: it is there, and cannot do what it is asked for; the others: it is
 * gone, and only its console can tell why.
 */
export interface GuestEnded {
	readonly kind: 'panicked' | 'hung' | 'shutdown' | 'unusable' | 'died' | 'killed' | 'stopped';
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
	/** Kernel messages that the console lost while the suite ran. */
	readonly droppedMessages?: number | undefined;
	/** The case begun last by the console's markers. */
	readonly running?: string | undefined;
	/** What the program left behind: leaks.ts. */
	readonly leaks?: readonly Leak[] | undefined;
	/** The kernel's taint before and after the program. */
	readonly taint?: TaintWitness | undefined;
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
	/** The case's own result line, and no other witness's word. */
	readonly ownWord: boolean;
}

export interface SuiteJudgement {
	readonly verdict: Verdict;
	readonly cases: readonly JudgedCase[];
}

/** kselftest.h: KSFT_SKIP. */
const SKIP_STATUS = 4;
/** What timeout(1) ends with when it had to kill, and kselftest/runner.sh reads as one: timeout_rc. */
const TIMEOUT_STATUS = 124;

/** What a witness's word means, and why. */
export type Finding = readonly [verdict: Verdict, why: string];

/** A case while its witnesses are heard. */
class Draft {
	verdict: Verdict | undefined;
	readonly reasons: string[] = [];
	/** Somebody beside the case itself said that something is wrong. */
	contradicted = false;
	diagnostics: readonly (readonly [key: string, value: string])[] = [];
	readonly splats: AttributedSplat[] = [];
	constructor(
		readonly name: string,
		readonly synthetic: boolean,
	) {}

	/** The case's own word. */
	say(verdict: Verdict, reason: string): void {
		this.#weigh(verdict, reason);
	}

	/** Another witness's word. */
	hear(verdict: Verdict, reason: string): void {
		this.contradicted ||= verdict !== 'pass';
		this.#weigh(verdict, reason);
	}

	/** The worst verdict stays, reasons for anything but a pass add up. */
	#weigh(verdict: Verdict, reason: string): void {
		this.verdict = this.verdict === undefined ? verdict : worse(this.verdict, verdict);
		if (reason !== '' && !this.reasons.includes(reason) && this.reasons.length < 20) this.reasons.push(reason);
	}

	get judged(): JudgedCase {
		const { name, verdict = 'miss', reasons, diagnostics, splats, synthetic } = this;
		const ownWord = !synthetic && !this.contradicted;
		return { name, verdict, reason: reasons.join('; '), diagnostics, splats, synthetic, ownWord };
	}
}

/** What broke the program off, with the verdict it means for the case that was running; undefined: nothing did. */
function interruption(seen: SuiteWitnesses): Finding | undefined {
	const { outcome, guestEnded, splats } = seen;
	if (outcome?.timedOut) return ['timeout', 'its deadline was over and it was killed'];
	if (outcome?.signal !== undefined) return ['fail', `the program was killed by signal ${outcome.signal}`];
	if (outcome?.status === TIMEOUT_STATUS) {
		return ['timeout', `the program ended with status ${TIMEOUT_STATUS}: it ran out of time (timeout(1))`];
	}
	if (outcome) {
		return outcome.status === 0 ? undefined : ['fail', `the program ended with status ${outcome.status ?? 'unknown'}`];
	}
	const fatal =
		splats.find(({ severity }) => severity === 'fatal') ??
		(guestEnded ? splats.find(({ severity }) => severity === 'severe') : undefined);
	if (fatal) return ['crash', toldReport(fatal)];
	return guestEnded && guestLost(guestEnded);
}

/** What a guest's end means where no report tells why. */
export function guestLost({ kind, detail }: GuestEnded): Finding {
	switch (kind) {
		case 'panicked':
			return ['crash', `the kernel panicked: ${detail}`];
		case 'hung':
			return ['timeout', `the guest hung: ${detail}`];
		case 'shutdown':
			return ['fail', `the machine was turned off or started again: ${detail}`];
		case 'unusable':
			return ['miss', detail];
		default:
			return ['miss', `the guest was gone and its console does not tell why: ${detail}`];
	}
}

/** A stream that stops before its plan is met although nothing is known to have broken the program off. */
function endedEarly(seen: SuiteWitnesses): Finding {
	if (seen.outcome) return ['fail', 'the program ended with status 0 before it reported this'];
	return ['miss', 'the stream ends here, and nobody saw how the program ended'];
}

/** Collects what the witnesses say, case by case. */
class Hearing {
	readonly drafts: Draft[] = [];
	readonly #byName = new Map<string, Draft>();
	readonly #suite: string;

	constructor(suite: string) {
		this.#suite = suite;
	}

	/** A result of the stream. @param merge a name used twice is one case */
	result(name: string, merge: boolean): Draft {
		const known = this.#byName.get(name);
		return known && merge ? known : this.#add(new Draft(name, false));
	}

	/** The case of a name, made here when the stream has none; the suite's own when there is no name. */
	case(name: string | undefined): Draft {
		const known = this.#byName.get(name ?? this.#suite);
		return known ?? this.#add(new Draft(name ?? this.#suite, true));
	}

	suite(verdict: Verdict, reason: string): void {
		this.case(undefined).hear(verdict, reason);
	}

	has(name: string): boolean {
		return this.#byName.has(name);
	}

	#add(draft: Draft): Draft {
		this.drafts.push(draft);
		if (!this.#byName.has(draft.name)) this.#byName.set(draft.name, draft);
		return draft;
	}
}

/**
 * The first law: a verdict reconciles every witness, and the worst wins. Pure. docs/verdicts.md says the same in prose.
 *
 * - A splat makes the case it fell into a crash, whatever the case says of itself; one that no case can be found for
 *   makes the suite's own case a crash, so that it is never lost.
 * - A program broken off: the case that ran gets the verdict of what broke it (a panic, or another report of a guest
 *   that is gone: crash; deadline or hung guest: timeout; signal, status or a machine turned off: fail; a guest gone
 *   without a word: miss);
 *   planned cases behind it are misses that name the reason.
 * - Exit status against results: any status but 0 after a stream without a failure fails the suite; status 4 agrees
 *   with a stream that only skipped (kselftest.h). Status 0 does not excuse a `not ok`.
 * - A stream that contradicts itself, names cases that were not asked for, or is shorter than its plan after an orderly
 *   exit, fails the suite. Without anyone who saw the program end, a short or planless stream is a miss.
 * - A console that lost messages, a line of the stream that cannot be read as it was written: these prove nothing: a miss.
 * - Something left behind (leaks.ts) fails the only case, or else the suite's own: every process is gone by then, so no
 *   one can give it back. A process that SIGKILL does not end makes it a timeout, a taint that tells of a fault no report
 *   tells of a crash.
 * - A guest lost when its program had ended: what it would have shown is judged by how it was lost.
 * - No case at all is a miss, or what broke the program off; `1..0 # SKIP` is a skip.
 */
export function reconcileSuite(seen: SuiteWitnesses): SuiteJudgement {
	const hearing = new Hearing(seen.suite);
	const broken = interruption(seen);
	const exited = seen.outcome?.status !== undefined && !seen.outcome.timedOut;
	for (const { name, verdict, reason, diagnostics, line } of seen.ktap.cases) {
		const draft = hearing.result(name, seen.planned !== undefined);
		draft.say(verdict, reason);
		if (draft.diagnostics.length === 0 || verdict !== 'pass') draft.diagnostics = diagnostics;
		// `ok 2 two` may have been on its way to `ok 2 two # SKIP`, or to another name.
		if (broken && !exited && line === seen.ktap.stopsInside)
			draft.hear(broken[0], `its result was cut short: ${broken[1]}`);
	}
	hearUnsound(seen, hearing);
	const blamed = hearUnreached(seen, hearing, broken);
	hearStream(seen, hearing, broken, blamed);
	for (const splat of seen.splats) {
		const draft = hearing.case(splat.case);
		const excuse = seen.tolerated?.(splat);
		draft.splats.push(splat);
		if (excuse === undefined) draft.hear('crash', toldReport(splat));
		else draft.hear(draft.synthetic ? 'miss' : 'pass', `${toldReport(splat)} (${excuse})`);
	}
	if (seen.droppedMessages) {
		hearing.suite('miss', `the console lost ${seen.droppedMessages} kernel messages, and a report may be among them`);
	}
	hearLeftovers(seen, hearing);
	hearAftermath(seen, hearing);
	const cases = hearing.drafts.map((draft) => draft.judged);
	return { verdict: overall(cases.map(({ verdict }) => verdict)), cases };
}

/** What a case with a leak says of it. */
export function leakReason({ title, detail }: Pick<Leak, 'title' | 'detail'>): string {
	return `left behind: ${title} (${detail})`;
}

/**
 * What is seen of the guest after the program: leaks, processes that do not die, and taints that no report explains.
 * Nothing tells which case they are of, unless only one was judged: then it is that one's, else the suite's own.
 */
function hearLeftovers(seen: SuiteWitnesses, hearing: Hearing): void {
	const cases = hearing.drafts.filter(({ name }) => name !== seen.suite);
	const only = cases.length === 1 ? cases[0]?.name : undefined;
	for (const { case: known, title, detail } of seen.leaks ?? []) {
		hearing.case(known ?? only).hear('fail', leakReason({ title, detail }));
	}
	if (seen.outcome?.stuck) {
		hearing
			.case(only)
			.hear('timeout', 'the kernel holds on to what it started, or to its output: SIGKILL did not end it within 10 s');
	}
	for (const { letter, words } of seen.taint ? unexplainedTaints(seen.taint, seen.splats) : []) {
		hearing.case(only).hear('crash', `the kernel is tainted ${letter}: ${words}; the console shows no report of it`);
	}
}

/** A guest lost after its program had ended, before it could be looked at: what it would have shown counts as lost too. */
function hearAftermath({ outcome, guestEnded, splats }: SuiteWitnesses, hearing: Hearing): void {
	if (!outcome || !guestEnded || splats.some(({ severity }) => severity !== 'warning')) return;
	const [verdict, why] = guestLost(guestEnded);
	hearing.suite(verdict, `when the program had ended: ${why}`);
}

/** The stream against itself, and against what was asked for. */
function hearUnsound({ ktap, planned }: SuiteWitnesses, hearing: Hearing): void {
	const names = hearing.drafts.map(({ name }) => name);
	for (const problem of ktap.unsound) hearing.suite('fail', problem);
	if (planned) {
		const asked = new Set(planned);
		for (const remark of ktap.remarks) hearing.suite('fail', remark);
		for (const name of names) {
			if (!asked.has(name)) hearing.suite('fail', `it reported "${name}", which was not asked for`);
		}
	}
	const more = ktap.caseCount - ktap.cases.length;
	if (more > 0) {
		const seen = Object.entries(ktap.totals).flatMap(([verdict, n]) => (n > 0 ? [verdict as Verdict] : []));
		hearing.suite(planned ? 'fail' : overall(seen), `${more} more cases were printed than are kept one by one`);
	}
}

/** Cases asked for that nobody reported. @returns whether one of them carries the blame for the interruption */
function hearUnreached(seen: SuiteWitnesses, hearing: Hearing, broken: Finding | undefined): boolean {
	const { ktap } = seen;
	const unreached = (seen.planned ?? []).filter((name) => !hearing.has(name));
	if (ktap.skippedWhole !== undefined && !broken) {
		for (const name of unreached) hearing.case(name).hear('skip', ktap.skippedWhole || 'the program skipped itself');
		return false;
	}
	const cutShort = broken !== undefined || ktap.incomplete.length > 0;
	const running = seen.running !== undefined && unreached.includes(seen.running) ? seen.running : unreached[0];
	const [verdict, why] = broken ?? endedEarly(seen);
	for (const name of unreached) {
		if (!cutShort) hearing.case(name).hear('miss', 'it was asked for, and the program never reported it');
		else if (name === running) hearing.case(name).hear(verdict, why);
		else hearing.case(name).hear('miss', `not reached: ${why}`);
	}
	return cutShort && unreached.length > 0;
}

/** The stream as a whole, and how its program ended against what it said. */
function hearStream(seen: SuiteWitnesses, hearing: Hearing, broken: Finding | undefined, blamed: boolean): void {
	const { ktap, outcome } = seen;
	const incomplete = ktap.incomplete.length > 0 || (ktap.planless && !outcome);
	for (const problem of ktap.illegible) hearing.suite('miss', problem);
	if (blamed) return;
	if (incomplete) {
		const [verdict] = broken ?? endedEarly(seen);
		for (const problem of ktap.incomplete) hearing.suite(verdict, problem);
		if (ktap.incomplete.length === 0) {
			hearing.suite('miss', 'no plan, and nobody saw the program end: more may have followed');
		}
	}
	const failed = ktap.totals.fail + ktap.totals.timeout > 0;
	const skipped = ktap.totals.skip === ktap.caseCount && (ktap.caseCount > 0 || ktap.skippedWhole !== undefined);
	const orderly = outcome?.status !== undefined && outcome.signal === undefined && !outcome.timedOut;
	const agrees = orderly && !incomplete && (failed || (skipped && outcome.status === SKIP_STATUS));
	// A report that broke the program off counts against the case it fell into, or the suite's own, and that is enough.
	const told = seen.splats.some((splat) => toldReport(splat) === broken?.[1]);
	if (broken && !agrees && !told) {
		const [verdict, why] = broken;
		hearing.suite(verdict, failed || ktap.caseCount === 0 ? why : `${why}, though no case of it failed`);
	} else if ((!broken || agrees) && ktap.caseCount === 0 && (seen.planned ?? []).length === 0 && !incomplete) {
		if (ktap.skippedWhole !== undefined) hearing.suite('skip', ktap.skippedWhole || 'the program skipped itself');
		else hearing.suite('miss', ktap.lines === 0 ? 'nothing was printed' : 'no case was reported');
	}
}
