// SPDX-License-Identifier: MIT
import { AT, IN, type SplatRecord } from '../record.js';

/** Reports that a line of equals signs ends: mm/kasan, mm/kfence, kernel/kcsan, mm/kmsan; and lib/ubsan.c. */
export const SANITIZERS: readonly SplatRecord[] = [
	{
		id: 'kasan',
		kind: 'kasan',
		severity: 'severe',
		pattern: new RegExp(`^BUG: KASAN: (?:.* in ${IN}|)`),
		end: 'frame',
		source: 'mm/kasan/report.c: print_error_description(), kasan_report_async()',
		reach: 400,
	},
	{
		id: 'kfence',
		kind: 'kfence',
		severity: 'severe',
		pattern: new RegExp(`^BUG: KFENCE: (?:.* in ${IN}|)`),
		end: 'frame',
		source: 'mm/kfence/report.c: kfence_report_error()',
		reach: 400,
	},
	{
		id: 'kcsan',
		kind: 'kcsan',
		severity: 'warning',
		pattern: new RegExp(`^BUG: KCSAN: (?:.* in ${IN}|)`),
		end: 'frame',
		source: 'kernel/kcsan/report.c: print_report()',
		reach: 400,
	},
	{
		id: 'kmsan',
		kind: 'bug',
		severity: 'severe',
		pattern: new RegExp(`^BUG: KMSAN: (?:.* in ${IN}|)`),
		end: 'frame',
		source: 'mm/kmsan/report.c: kmsan_report()',
		reach: 400,
	},
	{
		id: 'ubsan',
		kind: 'ubsan',
		severity: 'warning',
		pattern: new RegExp(`^(?:traps: )?UBSAN: (?:.* at ${AT}|\\S)`),
		end: 'end-trace',
		source: 'lib/ubsan.c: ubsan_prologue(); arch/x86/kernel/traps.c: handle_bug(), with CONFIG_UBSAN_TRAP',
	},
];
