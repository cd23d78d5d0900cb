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
const AT = '(?<function>[A-Za-z_.$][\\w.$]*)\\+0x[0-9a-f]+/0x[0-9a-f]+';
/** %pS where the name may be missing (no kallsyms) or printed without offset (%ps). */
const IN = '(?:(?<function>[A-Za-z_.$][\\w.$]*)(?:\\+0x[0-9a-f]+/0x[0-9a-f]+)?|0x[0-9a-f]+)';

/** Faults that end in the architecture's die(). */
const DYING = ['fault', 'bug-at', 'list', 'usercopy', 'cfi', 'ubsan', 'stack-overflow', 'page-table'];

/** What a CPU or a whole kernel dies of: arch/x86/kernel, arch/x86/mm, arch/arm64/kernel, arch/arm64/mm, kernel/panic.c. */
const FAULTS: readonly SplatRecord[] = [
	{
		id: 'panic',
		kind: 'panic',
		severity: 'fatal',
		pattern: new RegExp(`^Kernel panic - not syncing(?:: .*stack is corrupted in: ${IN}|\\b)`),
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
			/^(?:traps: )?(?:BUG: .* stack guard page was hit at |PANIC: double fault|Insufficient stack space to handle exception!)/,
		end: 'end-trace',
		source:
			'arch/x86/kernel/traps.c: handle_stack_overflow(), exc_double_fault(); arch/arm64/kernel/traps.c: panic_bad_stack()',
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
		pattern: /^(?:Internal error: \S.{0,200}: [0-9a-f]{1,16}|\S.{0,200}: [0-9a-f]{4}) \[#\d+\](?:\s|$)/,
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
		pattern: new RegExp(`^(?:CFI failure at |(?:traps: )?Missing ENDBR: )${IN}`),
		end: 'end-trace',
		source: 'kernel/cfi.c: report_cfi_failure(); arch/x86/kernel/cet.c: do_kernel_cp_fault()',
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

/** WARN() and what is told through it: kernel/panic.c, lib/refcount.c, lib/list_debug.c, kernel/dma/debug.c. */
const WARNINGS: readonly SplatRecord[] = [
	{
		id: 'refcount',
		kind: 'refcount',
		severity: 'severe',
		pattern: /^refcount_t: /,
		end: 'end-trace',
		source: 'lib/refcount.c: refcount_warn_saturate()',
		continues: ['warning'],
		retitles: true,
	},
	{
		id: 'list',
		kind: 'list-corruption',
		severity: 'severe',
		pattern: /^list_(?:add|del)(?:_tail)? (?:corruption|double add)/,
		end: 'end-trace',
		source: 'lib/list_debug.c, through CHECK_DATA_CORRUPTION(): a WARN() or a BUG()',
		continues: ['warning'],
		retitles: true,
	},
	{
		id: 'dma-api',
		kind: 'dma-api',
		severity: 'warning',
		pattern:
			/^DMA-API: .*(?:: device driver |: mapping sg segment |: cacheline tracking EEXIST|exceeded \d+ overlapping mappings)/,
		end: 'end-trace',
		source: 'kernel/dma/debug.c: err_printk()',
		continues: ['warning'],
		retitles: true,
		tail: /^DMA-API: Mapped at:|^\s/,
	},
	{
		id: 'debug-locks',
		kind: 'lockdep',
		severity: 'warning',
		pattern: /^DEBUG_LOCKS_WARN_ON\(/,
		end: 'end-trace',
		source: 'include/linux/debug_locks.h',
		continues: ['warning'],
		retitles: true,
	},
	{
		id: 'warning',
		kind: 'warning',
		severity: 'warning',
		pattern: new RegExp(
			`^WARNING: (?:CPU: \\d+ PID: \\d+ at (?:.*:\\d+ )?${IN}|(?:.*:\\d+ )?at ${IN.replace('<function>', '<function2>')}.*, CPU#\\d+: )`,
		),
		end: 'end-trace',
		source: 'kernel/panic.c: __warn(), of 6.12 and, other words, of 7.x',
		continues: ['refcount', 'list', 'dma-api', 'debug-locks', 'slab', 'usercopy', 'cfi'],
	},
];

/** Reports that a line of equals signs ends: mm/kasan, mm/kfence, kernel/kcsan, mm/kmsan; and lib/ubsan.c. */
const SANITIZERS: readonly SplatRecord[] = [
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

/** kernel/locking/{lockdep,spinlock_debug}.c, kernel/sched/core.c, lib/smp_processor_id.c, kernel/workqueue.c. */
const CONTEXTS: readonly SplatRecord[] = [
	{
		id: 'lockdep',
		kind: 'lockdep',
		severity: 'warning',
		pattern: new RegExp(
			`^(?:WARNING: |\\[ (?:INFO|BUG): )(?:${[
				'possible (?:circular|recursive|irq lock inversion|deadlock|chain)',
				'\\S+-safe -> \\S+-unsafe lock order detected',
				'(?:SOFT|HARD)IRQ-safe',
				'inconsistent lock state',
				'chain_key collision',
				'Nested lock was not taken',
				'bad unlock balance detected',
				'bad contention detected',
				'held lock freed',
				'.* still has locks held',
				'lock held (?:when returning to user space|at task exit)',
				'suspicious RCU usage',
				'circular locking deadlock detected',
				'[Ii]nvalid wait context',
			].join('|')})`,
		),
		end: 'trace',
		source:
			'kernel/locking/lockdep.c, all its headings; "[ INFO: … ]" before 4.11; kernel/locking/rtmutex-debug.c of 5.x',
		reach: 600,
	},
	{
		id: 'lockdep-limits',
		kind: 'lockdep',
		severity: 'warning',
		pattern:
			/^(?:BUG: (?:MAX_LOCK\w+|MAX_STACK_TRACE_ENTRIES) too low|BUG: looking up invalid subclass|BUG: key \S+ has not been registered|INFO: trying to register non-static key)/,
		end: 'trace',
		source:
			'kernel/locking/lockdep.c: print_lockdep_off(), look_up_lock_class(), assign_lock_key(), lockdep_init_map_type()',
	},
	{
		id: 'atomic-sleep',
		kind: 'atomic-sleep',
		severity: 'warning',
		pattern:
			/^BUG: (?:sleeping function called from invalid context|scheduling while atomic|scheduling in a non-blocking section|assuming (?:atomic|non migratable) context)/,
		end: 'trace',
		source:
			'kernel/sched/core.c: __might_resched(), __schedule_bug(), schedule_debug(), __cant_sleep(), __cant_migrate()',
		reach: 100,
	},
];

/** mm/page_alloc.c, mm/memory.c, mm/filemap.c, kernel/fork.c, mm/slub.c, mm/oom_kill.c, mm/kmemleak.c. */
const MEMORY: readonly SplatRecord[] = [
	{
		id: 'bad-page',
		kind: 'bad-page',
		severity: 'severe',
		pattern: /^BUG: Bad page (?:state in process|map in process|cache in process)/,
		end: 'trace',
		source: 'mm/page_alloc.c: bad_page(); mm/memory.c: print_bad_page_map(); mm/filemap.c',
		reach: 100,
	},
	{
		id: 'bad-counter',
		kind: 'bad-page',
		severity: 'severe',
		pattern: /^BUG: (?:Bad rss-counter state|non-zero pgtables_bytes on freeing mm)/,
		end: 'line',
		source: 'kernel/fork.c: check_mm()',
	},
	{
		id: 'slab',
		kind: 'bug',
		severity: 'severe',
		pattern: /^BUG \S.{0,100} \((?:Not tainted|Tainted: [^)]{0,60})\): /,
		end: 'trace',
		source: 'mm/slub.c: __slab_bug()',
		reach: 400,
		tail: /^FIX \S|^Disabling lock debugging/,
	},
	{
		id: 'oom',
		kind: 'oom',
		severity: 'warning',
		pattern: /^\S.{0,30} invoked oom-killer: gfp_mask=/,
		end: 'oom',
		source: 'mm/oom_kill.c: dump_header()',
		reach: 2000,
	},
	{
		id: 'oom-kill',
		kind: 'oom',
		severity: 'warning',
		pattern:
			/^(?:Out of memory|Memory cgroup out of memory)(?: \(oom_kill_allocating_task\))?: (?:Killed process|OOM victim)/,
		end: 'oom',
		source: 'mm/oom_kill.c: __oom_kill_process()',
		continues: ['oom'],
	},
	{
		id: 'kmemleak-object',
		kind: 'kmemleak',
		severity: 'warning',
		pattern: /^(?:kmemleak: )?unreferenced object 0x[0-9a-f]+ \(/,
		end: 'trace',
		source: 'mm/kmemleak.c: print_unreferenced(), on the console or out of debugfs',
	},
	{
		id: 'kmemleak-count',
		kind: 'kmemleak',
		severity: 'warning',
		pattern: /^kmemleak: \d+ new suspected memory leaks/,
		end: 'line',
		source: 'mm/kmemleak.c: kmemleak_scan()',
	},
	{
		id: 'kmemleak-misuse',
		kind: 'kmemleak',
		severity: 'warning',
		pattern:
			/^kmemleak: (?:Cannot insert 0x|Found object by alias|Freeing unknown object|Partially freeing unknown|Trying to color unknown|Not resetting the checksum|Adding scan area to unknown|Scan area larger|Setting excess_ref on unknown|Not scanning unknown|Updating stack trace for unknown)/,
		end: 'trace',
		source: 'mm/kmemleak.c: kmemleak_warn(), kmemleak_stop()',
	},
];

/** kernel/hung_task.c, kernel/rcu, kernel/watchdog.c, kernel/workqueue.c, kernel/smp.c. */
const STALLS: readonly SplatRecord[] = [
	{
		id: 'hung-task',
		kind: 'hung-task',
		severity: 'severe',
		pattern: /^INFO: task \S.*:\d+ blocked (?:in I\/O wait )?for more than \d+ seconds/,
		end: 'trace',
		source: 'kernel/hung_task.c: hung_task_info()',
		tail: /^(?:INFO: task .* blocked on |INFO: lockdep is turned off|Showing all locks held|\d+ locks? held by | #\d+: |Future hung task reports|={10}|Sending NMI|NMI backtrace|task:)/,
		adopts: true,
	},
	{
		id: 'rcu-stall',
		kind: 'rcu-stall',
		severity: 'severe',
		pattern: /^(?:rcu: )?INFO: \S+ (?:self-detected stall on CPU|detected (?:expedited )?stalls?\b)/,
		end: 'trace',
		source: 'kernel/rcu/{tree_stall,tree_exp,tasks}.h',
		tail: /^(?:rcu: |Sending NMI|NMI backtrace|task:|blocking rcu_node|rcu_tasks|\(detected by|\s)/,
		reach: 200,
		adopts: true,
	},
	{
		id: 'soft-lockup',
		kind: 'soft-lockup',
		severity: 'severe',
		pattern: /^(?:NMI )?(?:watchdog: )?BUG: soft lockup - CPU#\d+ stuck for /,
		end: 'trace',
		source: 'kernel/watchdog.c: watchdog_timer_fn()',
		tail: /^(?:Sending NMI|NMI backtrace)/,
		reach: 200,
		adopts: true,
	},
	{
		id: 'workqueue-lockup',
		kind: 'soft-lockup',
		severity: 'severe',
		pattern: /^BUG: workqueue lockup - pool/,
		end: 'trace',
		source: 'kernel/workqueue.c: wq_watchdog_timer_fn()',
		reach: 200,
		tail: /^(?:Showing (?:busy|backtraces)|workqueue |pool |\s)/,
	},
	{
		id: 'csd-lock',
		kind: 'soft-lockup',
		severity: 'severe',
		pattern: /^(?:smp: )?csd: Detected non-responsive CSD lock/,
		end: 'trace',
		source: 'kernel/smp.c: csd_lock_wait_toolong()',
		adopts: true,
	},
	{
		id: 'hard-lockup',
		kind: 'hard-lockup',
		severity: 'severe',
		pattern: /^(?:NMI )?(?:watchdog: )?(?:CPU\d+: )?Watchdog detected hard LOCKUP on cpu ?\d+/,
		end: 'trace',
		source: 'kernel/watchdog.c: watchdog_hardlockup_check(), of 6.12 and 7.x; kernel/watchdog_hld.c of 5.x',
		tail: /^(?:Sending NMI|NMI backtrace)/,
		reach: 200,
		adopts: true,
	},
];

/** Whatever else the kernel calls a BUG at the start of a line: spin locks, preemption, work queues, softirqs. */
const OTHERS: readonly SplatRecord[] = [
	{
		id: 'softirq-count',
		kind: 'bug',
		severity: 'severe',
		pattern: /^(?:softirq: )?huh, entered softirq \d+ /,
		end: 'line',
		source: 'kernel/softirq.c: handle_softirqs()',
	},
	{
		id: 'bug',
		kind: 'bug',
		severity: 'severe',
		pattern: /^BUG: (?!Bad page (?:state|map): \d+ messages suppressed|\s*\d+ unexpected failures)/,
		end: 'trace',
		source:
			'kernel/locking/spinlock_debug.c, lib/smp_processor_id.c, kernel/workqueue.c: process_one_work(), mm/mempool.c …',
		reach: 40,
	},
];

/** In the order in which they are tried: the first that matches counts. */
export const RECORDS: readonly SplatRecord[] = [
	...FAULTS,
	...SANITIZERS,
	...WARNINGS,
	...CONTEXTS,
	...MEMORY,
	...STALLS,
	...OTHERS,
];

/** WARN()s that tell of something this list has a kind for, by the file they stand in. */
export const WARNING_FILES: readonly {
	readonly file: RegExp;
	readonly kind: SplatKind;
	readonly severity: Splat['severity'];
}[] = [
	{ file: /\blib\/refcount\.c:\d+/, kind: 'refcount', severity: 'severe' },
	{ file: /\blib\/list_debug\.c:\d+/, kind: 'list-corruption', severity: 'severe' },
	{ file: /\bkernel\/dma\/debug\.c:\d+/, kind: 'dma-api', severity: 'warning' },
	{ file: /\bkernel\/locking\/lockdep\.c:\d+/, kind: 'lockdep', severity: 'warning' },
];

/** A cheap test that every line passes that a record or a heading could match: most console lines stop here. */
export const SUSPECT =
	/BUG|WARNING|panic|PANIC|Unable to handle|Internal error|\[#\d|INFO: |Watchdog|oom-killer|[Oo]ut of memory|kmemleak|unreferenced object|UBSAN|DMA-API|refcount_t|list_(?:add|del)|DEBUG_LOCKS|CFI failure|ENDBR|usercopy|Corrupted page|SError|Unhandled|Bad mode|Insufficient stack|csd: |huh, entered/;
