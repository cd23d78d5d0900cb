// SPDX-License-Identifier: MIT

/** All verdicts, worst last: reconciling witnesses takes the worst (design: first law). */
export const VERDICTS = ['pass', 'skip', 'xfail', 'xpass', 'miss', 'fail', 'timeout', 'crash'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The worse of two verdicts. */
export function worse(a: Verdict, b: Verdict): Verdict {
	return VERDICTS.indexOf(a) >= VERDICTS.indexOf(b) ? a : b;
}

/**
 * The verdict of several cases: the worst. Where that is a skip or an xfail and at least one case passed, the whole is
 * a pass: skipped tests do not affect the result of their parent (Documentation/dev-tools/ktap.rst). None: a miss.
 */
export function overall(verdicts: Iterable<Verdict>): Verdict {
	let worst: Verdict | undefined;
	let passed = false;
	for (const verdict of verdicts) {
		worst = worst === undefined ? verdict : worse(worst, verdict);
		passed ||= verdict === 'pass';
	}
	if (worst === undefined) return 'miss';
	return passed && (worst === 'skip' || worst === 'xfail') ? 'pass' : worst;
}

/** What a stream alone can say of a case; a crash needs other witnesses. */
export type KtapVerdict = Exclude<Verdict, 'crash'>;

/** One test line of a KTAP or TAP stream, nested names joined with ` > `. */
export interface KtapCase {
	readonly name: string;
	readonly verdict: KtapVerdict;
	/** Directive text, or why the line reads as it does. */
	readonly reason: string;
	/** `# key: value` lines that stood before the result, in order; other comment lines under the key `log`. */
	readonly diagnostics: readonly (readonly [key: string, value: string])[];
	/** Line number in the stream, from 1. */
	readonly line: number;
}

/** What a whole stream says, beside its cases. */
export interface KtapSummary {
	/** The first cases, as many as the parser was told to keep. */
	readonly cases: readonly KtapCase[];
	/** All cases of the stream, kept or not. */
	readonly caseCount: number;
	readonly totals: Readonly<Record<KtapVerdict, number>>;
	/** All that forbids the stream to pass, in words: `incomplete`, `illegible`, then `unsound`. Empty when it is whole and sound. */
	readonly problems: readonly string[];
	/** Something is not there that should be: plan not met, bail out, cut short. */
	readonly incomplete: readonly string[];
	/** Lines that were not read as they were written, through no fault of who wrote them: torn by kernel messages, too long. */
	readonly illegible: readonly string[];
	/** It contradicts itself: numbers twice or out of order, results beyond the plan, a group against its children. */
	readonly unsound: readonly string[];
	/**
	 * What KTAP tolerates and a careful suite does not do: descriptions used twice, no description. They count as
	 * problems where the cases were planned by name.
	 */
	readonly remarks: readonly string[];
	/** The stream said it has nothing to run, with a reason (`1..0 # SKIP why`). */
	readonly skippedWhole: string | undefined;
	/** Tests that the outermost plan promises; undefined when there is no plan. */
	readonly planned: number | undefined;
	/** Results of the outermost level that were printed. */
	readonly reached: number;
	/** Where the stream has no plan, only its writer's orderly exit can say that it is whole. */
	readonly planless: boolean;
	/** The line that the stream stops in, without a newline: it may have been meant to go on. */
	readonly stopsInside: number | undefined;
	/** Lines of any kind. 0: the stream is empty. */
	readonly lines: number;
}

export const SPLAT_KINDS = [
	'panic',
	'oops',
	'bug',
	'warning',
	'kasan',
	'kfence',
	'kcsan',
	'ubsan',
	'lockdep',
	'dma-api',
	'bad-page',
	'refcount',
	'hung-task',
	'rcu-stall',
	'soft-lockup',
	'hard-lockup',
	'oom',
	'kmemleak',
	'atomic-sleep',
	'list-corruption',
	'iommu-fault',
] as const;
export type SplatKind = (typeof SPLAT_KINDS)[number];

/** A report found on the console. */
export interface Splat {
	readonly kind: SplatKind;
	/** The line that names it, without prefix: `BUG: KASAN: slab-use-after-free in dma_buf_release+0x1c/0x40`. */
	readonly title: string;
	/** The guilty function, when the report names one. */
	readonly function: string | undefined;
	/** Line number on the console, from 1. */
	readonly line: number;
	/** `fatal`: the kernel does not go on; `severe`: it does, and nothing it says after can be trusted; `warning`. */
	readonly severity: 'fatal' | 'severe' | 'warning';
	/** The whole report, bounded. */
	readonly report: string;
}

export const LEAK_KINDS = ['dma-buf', 'dma-buf-lock', 'cma', 'slab', 'memory', 'accounts'] as const;

/** Something that a program left behind in its guest's kernel, although every process of it is gone. */
export interface Leak {
	readonly kind: (typeof LEAK_KINDS)[number];
	/** `1 dma-buf still listed`, `16 pages of the CMA area reserved not back`. */
	readonly title: string;
	/** The figures it was told by. */
	readonly detail: string;
	/** The case it is known to be of; else whose it is follows from which cases ran: reconcile.ts. */
	readonly case?: string | undefined;
}

/** A splat and the case it fell into; no case: it came before the first one, or nothing told which. */
export interface AttributedSplat extends Splat {
	readonly case?: string | undefined;
}
