// SPDX-License-Identifier: MIT

/** All verdicts, worst last: reconciling witnesses takes the worst (design: first law). */
export const VERDICTS = ['pass', 'skip', 'xfail', 'xpass', 'miss', 'fail', 'timeout', 'crash'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** One test line of a KTAP or TAP stream, nested names joined with ` > `. */
export interface KtapCase {
	readonly name: string;
	readonly verdict: 'pass' | 'fail' | 'skip' | 'xfail' | 'xpass' | 'timeout' | 'miss';
	/** Directive text, or why the line reads as it does. */
	readonly reason: string;
	/** `# key: value` lines that stood before the result, in order; other comment lines under the key `log`. */
	readonly diagnostics: readonly (readonly [key: string, value: string])[];
	/** Line number in the stream, from 1. */
	readonly line: number;
}

/** What a whole stream says, beside its cases. */
export interface KtapSummary {
	readonly cases: readonly KtapCase[];
	/** What is wrong with the stream as a whole: no plan, plan not met, bail out, truncated, duplicate names. Empty when sound. */
	readonly problems: readonly string[];
	/** The stream said it has nothing to run, with a reason (`1..0 # SKIP why`). */
	readonly skippedWhole: string | undefined;
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
