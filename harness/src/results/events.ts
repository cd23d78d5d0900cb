// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import type { CaseClass } from '../core/case-class.js';
import type { Splat, Verdict } from '../verdict/verdict.js';

/** One judged case: what results.json holds, pinned in the design, and what explains it. */
export interface CaseResult {
	readonly case: string;
	readonly subject: string;
	readonly suite: string;
	readonly kernel: string;
	readonly release: string;
	readonly arch: Arch;
	readonly machine: string;
	readonly verdict: Verdict;
	readonly durationMs: number;
	readonly attempts: number;
	/** Empty for a pass. */
	readonly reason: string;
	/** Console file of the guest it ran in, relative to the run directory; empty when there was none. */
	readonly console: string;
	/** Catalogue id (`ALLOC-05`), where the case is ours. */
	readonly catalogue?: string | undefined;
	/** Of the case, where it is ours. */
	readonly class?: CaseClass | undefined;
	/** The case's own word, and no other witness's. */
	readonly ownWord?: boolean | undefined;
	/** A failure of a class that does not gate: the verdict is xfail. */
	readonly warning?: true | undefined;
	/** expected, found, errno, at …: what a failure's YAML block shows. */
	readonly diagnostics?: readonly (readonly [key: string, value: string])[] | undefined;
	readonly splats?: readonly Splat[] | undefined;
	/** Verdicts of the attempts before the one that counts, in order. */
	readonly earlier?: readonly { readonly verdict: Verdict; readonly reason: string }[] | undefined;
	/** The attempts did not agree: both are kept (design: third law). */
	readonly flaky?: boolean | undefined;
	/** Of a miss that an error caused: the error's code, as `DISK_FULL`. */
	readonly code?: string | undefined;
	/** The one command that runs exactly this again. */
	readonly rerun?: string | undefined;
}

export type Totals = Readonly<Record<Verdict, number>>;

/** Of the event log; another number, and a log cannot be read. */
export const LOG_SCHEMA = 1;

/** A judged case, a line of the event log. */
export interface CaseEvent {
	readonly type: 'case';
	readonly time: string;
	readonly result: CaseResult;
	/** It replaces what an earlier part of the same run recorded for this case, because it is worse. */
	readonly again?: true | undefined;
}

/** The event log, a line each in events.jsonl, and what reporters consume. */
export type RunEvent =
	| {
			readonly type: 'run-start';
			readonly time: string;
			/** `LOG_SCHEMA`. Without it, and without `cwd`, a run cannot be resumed. */
			readonly schema?: number | undefined;
			readonly version: string;
			readonly argv: readonly string[];
			/** The folder it was started in, which paths in `argv` are relative to. */
			readonly cwd?: string | undefined;
			readonly directory: string;
			/** How often the run was resumed, this time included; absent or 0 for its first part. */
			readonly resumed?: number | undefined;
			/** SHA-256 of what plan and options came to, for the next part to compare. */
			readonly planHash?: string | undefined;
			readonly seed?: number | undefined;
	  }
	| {
			readonly type: 'kernel-ready';
			readonly time: string;
			readonly kernel: string;
			readonly arch: Arch;
			readonly id: string;
			readonly release: string | undefined;
			readonly image: string;
			readonly provenance: readonly string[];
	  }
	| {
			readonly type: 'guest-start';
			readonly time: string;
			readonly guest: string;
			readonly kernel: string;
			readonly arch: Arch;
			readonly machine: string;
			readonly command: readonly string[];
			/** What runs the guest, as `QEMU 7.2.22, tcg`. */
			readonly emulator: string;
			readonly console: string;
	  }
	| {
			readonly type: 'guest-ready';
			readonly time: string;
			readonly guest: string;
			readonly bootMs: number;
			/** It was saved to be cloned, now or by an earlier run; clones have its facts. */
			readonly template?: 'made' | 'cached' | undefined;
			readonly facts?: Readonly<Record<string, unknown>> | undefined;
	  }
	/** Its work is done and judged; it is listened to a little longer before the results are recorded. */
	| { readonly type: 'guest-idle'; readonly time: string; readonly guest: string }
	| {
			readonly type: 'guest-end';
			readonly time: string;
			readonly guest: string;
			readonly how: string;
	  }
	| {
			readonly type: 'suite-start';
			readonly time: string;
			readonly group: SuiteGroup;
			/** Cases expected, when known. */
			readonly planned: number | undefined;
	  }
	| CaseEvent
	| { readonly type: 'suite-end'; readonly time: string; readonly group: SuiteGroup }
	| { readonly type: 'note'; readonly time: string; readonly text: string }
	/** Every miss before this line counts no more: its case is judged again. */
	| { readonly type: 'misses-dropped'; readonly time: string }
	| {
			readonly type: 'run-end';
			readonly time: string;
			readonly exit: number;
			/** It ended before all was judged, and can be resumed. */
			readonly stopped?: 'interrupted' | 'fail-fast' | undefined;
			readonly totals: Totals;
			readonly durationMs: number;
	  };

/** Where a case stands in the report: kernel × arch × machine × suite × subject. */
export interface SuiteGroup {
	readonly kernel: string;
	readonly release: string;
	readonly arch: Arch;
	readonly machine: string;
	readonly suite: string;
	readonly subject: string;
}

export interface ResultsFile {
	readonly schema: 1;
	readonly exit: number;
	readonly totals: Totals;
	readonly results: readonly CaseResult[];
}
