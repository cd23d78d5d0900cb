// SPDX-License-Identifier: MIT
import type { Splat, SplatKind } from '../verdict.js';

/** How one kind of report begins. */
export interface SplatRecord {
	readonly kind: SplatKind;
	/** Matched against a line without its printk prefix; a group called `function` names the guilty one. */
	readonly pattern: RegExp;
	readonly severity: Splat['severity'];
}

export const RECORDS: readonly SplatRecord[] = [
	{ kind: 'panic', pattern: /^Kernel panic - not syncing/, severity: 'fatal' },
	{ kind: 'kasan', pattern: /^BUG: KASAN: .* in (?<function>[\w.]+)/, severity: 'severe' },
	{ kind: 'kfence', pattern: /^BUG: KFENCE: .* in (?<function>[\w.]+)/, severity: 'severe' },
	{
		kind: 'oops',
		pattern: /^(?:BUG: (?:kernel NULL pointer|unable to handle)|Unable to handle kernel|Oops)/,
		severity: 'severe',
	},
	{ kind: 'bug', pattern: /^kernel BUG at /, severity: 'severe' },
	{ kind: 'warning', pattern: /^WARNING: /, severity: 'warning' },
];
