// SPDX-License-Identifier: MIT
import type { SplatRecord } from '../record.js';

/** kernel/locking/{lockdep,spinlock_debug}.c, kernel/sched/core.c, lib/smp_processor_id.c, kernel/workqueue.c. */
export const CONTEXTS: readonly SplatRecord[] = [
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
