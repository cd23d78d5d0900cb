// SPDX-License-Identifier: MIT
import type { Splat, SplatKind } from '../verdict.js';

/**
 * How a report ends.
 * - `line`: it is one line.
 * - `trace`: with the last line of its call trace, however many lines stand before that.
 * - `end-trace`: at `---[ end trace …`, or with what follows it.
 * - `frame`: at a line of equals signs.
 * - `panic`: at `---[ end Kernel panic …`, or never.
 * - `oom`: where a process was killed.
 */
export type ReportEnd = 'line' | 'trace' | 'end-trace' | 'frame' | 'panic' | 'oom';

/** How one kind of report begins, and how it is told where it ends. */
export interface SplatRecord {
	readonly id: string;
	readonly kind: SplatKind;
	readonly severity: Splat['severity'];
	/** Matched against a line without its printk prefix. A group `function` holds the guilty one where the line names it. */
	readonly pattern: RegExp;
	readonly end: ReportEnd;
	/** Kernel sources whose printk formats the pattern was written from. */
	readonly source: string;
	/** Ids of records whose open report this line goes on with, instead of beginning another. */
	readonly continues?: readonly string[] | undefined;
	/** It also goes on with a report that could be over. */
	readonly late?: boolean | undefined;
	/** This line names the report better than the one it goes on with did. */
	readonly retitles?: boolean | undefined;
	/** Lines that may follow the call trace and still belong to it. */
	readonly tail?: RegExp | undefined;
	/** Lines between the title and the call trace, at most. 60 where left out. */
	readonly reach?: number | undefined;
	/** Backtraces of other CPUs, printed in their own contexts, belong to it. */
	readonly adopts?: boolean | undefined;
}

/** A symbol with offset and size (%pS), its name in the group `function`. */
export const AT = '(?<function>[A-Za-z_.$][\\w.$]*)\\+0x[0-9a-f]+/0x[0-9a-f]+';
/** %pS where the name may be missing (no kallsyms) or printed without offset (%ps). */
export const IN = '(?:(?<function>[A-Za-z_.$][\\w.$]*)(?:\\+0x[0-9a-f]+/0x[0-9a-f]+)?|0x[0-9a-f]+)';
