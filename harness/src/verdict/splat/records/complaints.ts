// SPDX-License-Identifier: MIT
import { AT, type SplatRecord } from '../record.js';

/** Misuse and failures that are told in plain words with a stack behind them: no BUG, no WARNING, no `cut here`. */
export const COMPLAINTS: readonly SplatRecord[] = [
	{
		id: 'irq',
		kind: 'warning',
		severity: 'warning',
		pattern: /^irq(?: event)? \d+: (?:nobody cared|bogus return value)/,
		end: 'trace',
		source: 'kernel/irq/spurious.c: __report_bad_irq(), note_interrupt()',
		tail: /^(?:handlers:|\[<[^>]*>\] \S|Disabling IRQ #\d)/,
	},
	{
		id: 'irq-flags',
		kind: 'warning',
		severity: 'warning',
		pattern: /^(?:genirq: )?Flags mismatch irq \d+\. /,
		end: 'trace',
		source: 'kernel/irq/manage.c: __setup_irq()',
	},
	{
		id: 'object',
		kind: 'warning',
		severity: 'warning',
		pattern:
			/^(?:sysfs: cannot create duplicate filename '|kobject (?:'.{0,200}' )?\([^)]{1,20}\): (?:tried to |invalid name pointer|must have a ktype))/,
		end: 'trace',
		source: 'fs/sysfs/dir.c: sysfs_warn_dup(); lib/kobject.c: kobject_init(), kobject_add()',
	},
	{
		id: 'misuse',
		kind: 'warning',
		severity: 'warning',
		pattern:
			/^(?:bad: scheduling from the idle thread!|schedule_timeout: wrong timeout value|iounmap: bad address |sched: CPU \d+ need_resched set for |Unexpected gfp: 0x|kmem_cache_create\S*\(.{1,200}\) failed with error )/,
		end: 'trace',
		source:
			'kernel/sched/{idle,debug}.c, kernel/time/sleep_timeout.c, arch/x86/mm/ioremap.c, mm/slab_common.c: kmalloc_fix_flags()',
	},
	{
		id: 'msr',
		kind: 'warning',
		severity: 'warning',
		pattern: new RegExp(`^(?:unchecked )?MSR access error: (?:RD|WR)MSR .{1,100} \\(${AT}\\)`),
		end: 'trace',
		source: 'arch/x86/mm/extable.c: ex_handler_msr()',
	},
	{
		id: 'checksum',
		kind: 'warning',
		severity: 'warning',
		pattern: /^\S.{0,80}: hw csum failure$/,
		end: 'trace',
		source: 'net/core/dev.c: netdev_rx_csum_fault()',
	},
	{
		id: 'busy-inodes',
		kind: 'bug',
		severity: 'severe',
		pattern: /^VFS: Busy inodes after unmount of /,
		end: 'line',
		source: 'fs/super.c: generic_shutdown_super(); words of a BUG() or a WARN() in 6.1',
		continues: ['warning'],
	},
	{
		id: 'device-reference',
		kind: 'refcount',
		severity: 'warning',
		pattern: /^unregister_netdevice: waiting for \S+ to become free\. Usage count = /,
		end: 'line',
		source: 'net/core/dev.c: netdev_wait_allrefs_any()',
	},
	{
		id: 'page-poison',
		kind: 'bad-page',
		severity: 'severe',
		pattern: /^pagealloc: (?:memory corruption|single bit error)/,
		end: 'trace',
		source: 'mm/page_poison.c: check_poison_mem()',
		reach: 300,
	},
	{
		id: 'allocation',
		kind: 'oom',
		severity: 'warning',
		pattern:
			/^(?:\S.{0,40}: (?:page allocation (?:failure: order:\d|stalls? for \d)|vmalloc error: size \d)|percpu: allocation failed, size=\d)/,
		end: 'trace',
		source: 'mm/page_alloc.c: warn_alloc(); mm/vmalloc.c; mm/percpu.c: pcpu_alloc_noprof()',
		// What the killed one was waiting for fails.
		continues: ['oom', 'oom-kill'],
		late: true,
	},
];
