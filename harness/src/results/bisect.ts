// SPDX-License-Identifier: MIT
import { VERDICTS, type Verdict } from '../verdict/verdict.js';
import type { CaseResult } from './events.js';
import { countVerdicts, isFailing } from './totals.js';

/**
 * What `git bisect run` understands (git-bisect(1), "Bisect run"): 0 good, 125 skip this commit, 1 to 127 bad, and
 * from 128 up stop bisecting. Nothing else may ever be answered.
 */
export const BISECT_EXIT = { good: 0, bad: 1, cannotJudge: 125, abort: 128, interrupted: 130 } as const;

export type BisectCode = (typeof BISECT_EXIT)[keyof typeof BISECT_EXIT];

export interface BisectAnswer {
	readonly code: BisectCode;
	/** Why, in one line. */
	readonly why: string;
}

/** Whether the regression's own signature was asked for, and the line that shows it when one does. */
export interface SignatureSighting {
	readonly line: string | undefined;
}

/**
 * Faults of this host, by error code: they would meet every commit alike. Skipping one commit after the other would
 * hide them, so they stop the bisect.
 */
const HOST_FAULTS: ReadonlySet<string> = new Set([
	'COMMAND_MISSING',
	'TOOL_MISSING',
	'DISK_FULL',
	'OUT_OF_MEMORY',
	'HOST_MEMORY',
	'LOCK_FAILED',
	'CACHE_UNREADABLE',
	'KEYRING_MISSING',
	'NO_DEBIAN_MIRROR',
	'INDEX_UNREACHABLE',
]);

export function isHostFault(code: string | undefined): boolean {
	return code !== undefined && HOST_FAULTS.has(code);
}

/**
 * Errors that end a whole run, and yet say something of one commit alone: the next one may be free of them.
 * OPTION_LOST: this commit's Kconfig does not know, or does not allow, an option that the profile asks for.
 */
const COMMIT_FAULTS: ReadonlySet<string> = new Set(['OPTION_LOST', 'TREE_CHANGED']);

/** What an error that ended the run means to a bisect: almost always to stop. */
export function bisectCodeOfError(code: string | undefined): BisectCode {
	return code !== undefined && COMMIT_FAULTS.has(code) ? BISECT_EXIT.cannotJudge : BISECT_EXIT.abort;
}

/**
 * The answer to git for the results of one commit. Bad and good are said only when they are certain; what is in
 * doubt is 125, which costs a step and never the result.
 *
 * Without a signature any case that fails is the regression. With one, only what shows it is: any other failure is
 * another bug, which must not steer the bisect.
 */
export function bisectAnswer(results: readonly CaseResult[], signature?: SignatureSighting): BisectAnswer {
	const host = results.find(({ verdict, code }) => verdict === 'miss' && isHostFault(code));
	if (host) return { code: BISECT_EXIT.abort, why: describe([host]) };
	if (signature?.line !== undefined) return { code: BISECT_EXIT.bad, why: `the signature was seen: ${signature.line}` };
	return signature ? answerWithoutSighting(results) : answerByVerdicts(results);
}

function answerByVerdicts(results: readonly CaseResult[]): BisectAnswer {
	const { failing, flaky, unbuilt, boot, missed } = sort(results);
	if (failing.length > 0) return { code: BISECT_EXIT.bad, why: describe(failing) };
	if (unbuilt.length > 0) return cannotJudge(describe(unbuilt));
	if (boot.length > 0) {
		return cannotJudge(`${describe(boot)} (is that the bug? then name it with --signature)`);
	}
	if (flaky.length > 0) return cannotJudge(`not the same when it was run again: ${describe(flaky)}`);
	if (missed.length > 0) return cannotJudge(describe(missed));
	return goodIfPassed(results);
}

/** The signature was looked for and is nowhere: bad is out of the question. */
function answerWithoutSighting(results: readonly CaseResult[]): BisectAnswer {
	const { failing, flaky, unbuilt, boot, missed } = sort(results);
	const other = [...failing, ...flaky];
	if (unbuilt.length > 0) return cannotJudge(describe(unbuilt));
	if (other.length > 0) return cannotJudge(`another failure, without the signature: ${describe(other)}`);
	if (missed.length > 0) return cannotJudge(describe(missed));
	// A report while booting, after which every case ran: the kernel came up, and without the signature.
	if (boot.length > 0 && !results.some(({ verdict }) => verdict === 'pass')) {
		return cannotJudge(`without the signature: ${describe(boot)}`);
	}
	return goodIfPassed(results);
}

function goodIfPassed(results: readonly CaseResult[]): BisectAnswer {
	if (results.length === 0) return cannotJudge('nothing was judged: no case and subject of this run fits the guest');
	const totals = countVerdicts(results);
	const said = VERDICTS.filter((verdict) => totals[verdict] > 0).map((verdict) => `${totals[verdict]} ${verdict}`);
	if (totals.pass > 0) return { code: BISECT_EXIT.good, why: said.join(', ') };
	const first = results.find(({ verdict }) => verdict === 'xfail') ?? results[0];
	return cannotJudge(`nothing passed (${said.join(', ')}): ${first ? describe([first]) : ''}`);
}

function cannotJudge(why: string): BisectAnswer {
	return { code: BISECT_EXIT.cannotJudge, why };
}

/** Results by what they say of the commit; what passed, was skipped or failed as expected is in none of them. */
interface Sorted {
	/** Cases that failed, and did so for certain. */
	readonly failing: readonly CaseResult[];
	/** Cases that failed once and passed when they were run again. */
	readonly flaky: readonly CaseResult[];
	/** The kernel, or a module for it, does not build. */
	readonly unbuilt: readonly CaseResult[];
	/** The kernel panicked, or reported something, before the first case. */
	readonly boot: readonly CaseResult[];
	readonly missed: readonly CaseResult[];
}

function sort(results: readonly CaseResult[]): Sorted {
	const unbuilt = results.filter((one) => isBuild(one) && one.verdict !== 'pass');
	const rest = results.filter((one) => !isBuild(one));
	const bad = rest.filter(({ verdict }) => isFailing(verdict));
	const boot = bad.filter(isBoot);
	const ofCases = bad.filter((one) => !isBoot(one));
	return {
		failing: ofCases.filter(({ flaky }) => !flaky),
		flaky: ofCases.filter(({ flaky }) => flaky),
		unbuilt,
		boot,
		missed: rest.filter(({ verdict }) => verdict === 'miss'),
	};
}

/** `machine.build` and its like for modules stand for a whole target that could not be made. */
export function isBuild({ case: name }: Pick<CaseResult, 'case'>): boolean {
	return /^(?:machine|module)\.build(?:\.|$)/.test(name);
}

function isBoot({ suite, case: name }: CaseResult): boolean {
	return suite === 'machine' && name === 'machine.boot';
}

const WORDS: Partial<Record<Verdict, string>> = { xpass: 'passed, though a failure is expected' };
const MAX_REASON = 240;

/** The first of some results in one line, and how many more there are. */
function describe(results: readonly CaseResult[]): string {
	const [first, ...others] = results;
	if (!first) return '';
	const { verdict, subject, arch } = first;
	const head = `${first.case} ${WORDS[verdict] ?? verdict} on ${subject === '' ? arch : `${subject}, ${arch}`}`;
	const reason = oneLine(first);
	const more = others.length === 0 ? '' : `; and ${others.length} more`;
	return `${head}${reason === '' ? '' : `: ${reason}`}${more}`;
}

/** A reason's first line; of a build that failed also the compiler's. */
function oneLine(result: CaseResult): string {
	const lines = result.reason.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
	const error = isBuild(result) ? lines.slice(1).find((line) => /\berror\b/i.test(line)) : undefined;
	const text = error === undefined ? (lines[0] ?? '') : `${(lines[0] ?? '').replace(/ \(.*\)$/, '')}: ${error}`;
	return text.length <= MAX_REASON ? text : `${text.slice(0, MAX_REASON)}…`;
}
