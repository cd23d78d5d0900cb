// SPDX-License-Identifier: MIT
import type { SplatRecord } from '../record.js';

/** Whatever else the kernel calls a BUG at the start of a line: spin locks, preemption, work queues, softirqs. */
export const OTHERS: readonly SplatRecord[] = [
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
