// SPDX-License-Identifier: MIT
import { AT, IN, type SplatRecord } from '../record.js';

/** Faults that end in the architecture's die(). */
const DYING = ['fault', 'bug-at', 'list', 'usercopy', 'cfi', 'ubsan', 'stack-overflow', 'page-table'];

/** What a CPU or a whole kernel dies of: arch/x86/kernel, arch/x86/mm, arch/arm64/kernel, arch/arm64/mm, kernel/panic.c. */
export const FAULTS: readonly SplatRecord[] = [
	{
		id: 'panic',
		kind: 'panic',
		severity: 'fatal',
		pattern: new RegExp(`^\\s*Kernel panic - not syncing(?:: .*stack is corrupted in: ${IN}|\\b)`),
		end: 'panic',
		source: 'kernel/panic.c: vpanic(), __stack_chk_fail()',
	},
	{
		id: 'early-exception',
		kind: 'panic',
		severity: 'fatal',
		pattern: /^PANIC: early exception 0x/,
		end: 'trace',
		source: 'arch/x86/mm/extable.c: early_fixup_exception()',
	},
	{
		id: 'unpacking',
		kind: 'panic',
		severity: 'fatal',
		pattern: /^-- System halted/,
		end: 'line',
		source: 'arch/x86/boot/compressed/error.c: error(); the line before it says why',
	},
	{
		id: 'fault',
		kind: 'oops',
		severity: 'severe',
		pattern: /^(?:BUG: kernel NULL pointer dereference|BUG: unable to handle |Unable to handle kernel )/,
		end: 'end-trace',
		source: 'arch/x86/mm/fault.c: show_fault_oops(); arch/arm64/mm/fault.c: die_kernel_fault()',
	},
	{
		id: 'stack-overflow',
		kind: 'oops',
		severity: 'severe',
		pattern:
			/^(?:traps: )?(?:BUG: (?:.* )?stack guard page was hit at |PANIC: double fault|Insufficient stack space to handle exception!)/,
		end: 'end-trace',
		source:
			'arch/x86/kernel/traps.c: handle_stack_overflow(), which names no stack in 5.10, exc_double_fault(); arch/arm64/kernel/traps.c: panic_bad_stack()',
	},
	{
		id: 'page-table',
		kind: 'oops',
		severity: 'severe',
		pattern: /^\S.*: Corrupted page table at address /,
		end: 'end-trace',
		source: 'arch/x86/mm/fault.c: pgtable_bad()',
	},
	{
		id: 'exception',
		kind: 'oops',
		severity: 'severe',
		pattern:
			/^(?:SError Interrupt on CPU\d+, code |Unhandled .* exception on CPU\d+, ESR |Bad mode in .* handler detected on CPU\d+)/,
		end: 'end-trace',
		source: 'arch/arm64/kernel/{traps,entry-common}.c: arm64_serror_panic(), __panic_unhandled(), bad_mode() of 5.x',
	},
	{
		id: 'ubsan-die',
		kind: 'ubsan',
		severity: 'severe',
		pattern: /^Internal error: UBSAN: .*: [0-9a-f]{8,16} \[#\d+\]/,
		end: 'end-trace',
		source: 'arch/arm64/kernel/traps.c: ubsan_handler(), with CONFIG_UBSAN_TRAP',
	},
	{
		id: 'bug-die',
		kind: 'bug',
		severity: 'severe',
		pattern: /^Internal error: Oops - (?:BUG|CFI): [0-9a-f]{1,16} \[#\d+\]/,
		end: 'end-trace',
		source: 'arch/arm64/kernel/traps.c: bug_handler(), cfi_handler()',
		continues: DYING,
	},
	{
		id: 'die',
		kind: 'oops',
		severity: 'severe',
		pattern: /^(?:Internal error: \S.{0,200}: [0-9a-f]{1,16}|\S.{0,200}: [0-9a-f]{4,16}) \[#\d+\](?:\s|$)/,
		end: 'end-trace',
		source:
			'arch/x86/kernel/dumpstack.c: __die_header(), without "Oops: " before 6.10; arch/arm64/kernel/traps.c: __die()',
		continues: [...DYING, 'exception'],
	},
	{
		id: 'bug-at',
		kind: 'bug',
		severity: 'severe',
		pattern: new RegExp(`^[Kk]ernel BUG at (?:${AT} \\[verbose debug info unavailable\\]|)`),
		end: 'end-trace',
		source: 'lib/bug.c: __report_bug()',
		continues: ['list', 'usercopy', 'cfi'],
	},
	{
		id: 'cfi',
		kind: 'bug',
		severity: 'severe',
		pattern: new RegExp(`^(?:(?:CFI failure at |(?:traps: )?Missing ENDBR: )${IN}|CFI failure \\(target: )`),
		end: 'end-trace',
		source:
			'kernel/cfi.c: report_cfi_failure(), up to 6.0 handle_cfi_failure(); arch/x86/kernel/cet.c: do_kernel_cp_fault()',
	},
	{
		id: 'usercopy',
		kind: 'bug',
		severity: 'severe',
		pattern: /^usercopy: Kernel memory (?:exposure|overwrite) attempt detected /,
		end: 'end-trace',
		source: 'mm/usercopy.c: usercopy_abort()',
	},
];
