// SPDX-License-Identifier: MIT

/**
 * What each recorded console holds: `kind | guilty function | start of the title`. The functions called evil_… are
 * those of the module that broke things on purpose; fpbad_init stands where the compiler made the broken function's last
 * call a jump, or arm64's trace cannot name the caller of a function that never returns.
 */
export const RECORDED: Readonly<Record<string, readonly string[]>> = {
	'6.12-arm64-bug.log': [
		'bug | evil_bug | kernel BUG at fpbad.c:24!',
		'warning | ct_kernel_exit | WARNING: CPU: 0 PID: 0 at kernel/context_tracking.c:128 ct_kernel_exit.co',
	],
	'6.12-arm64-clean-boot.log': [],
	'6.12-arm64-clean-sysrq.log': [],
	'6.12-arm64-hung-task.log': ['hung-task | evil_hung | INFO: task init:24 blocked for more than 4 seconds.'],
	'6.12-arm64-init-exits.log': [
		'panic | do_exit | Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000b00',
	],
	'6.12-arm64-null-call.log': [
		'oops | evil_jump | Unable to handle kernel NULL pointer dereference at virtual address 0000000000000',
	],
	'6.12-arm64-null-memcpy.log': [
		'oops | evil_memcpy | Unable to handle kernel NULL pointer dereference at virtual address 00000000000',
	],
	'6.12-arm64-null-write.log': [
		'oops | evil_null | Unable to handle kernel NULL pointer dereference at virtual address 0000000000000',
	],
	'6.12-arm64-oom.log': [
		'oom | vma_alloc_zeroed_movable_folio | init invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVAB',
	],
	'6.12-arm64-panic.log': ['panic | fpbad_init | Kernel panic - not syncing: evil panic 7'],
	'6.12-arm64-rcu-stall.log': [
		'rcu-stall | evil_spinner | rcu: INFO: rcu_sched detected stalls on CPUs/tasks:',
		'hung-task | evil_rcustall | INFO: task init:32 blocked for more than 4 seconds.',
	],
	'6.12-arm64-soft-lockup.log': [
		'soft-lockup | evil_soft | watchdog: BUG: soft lockup - CPU#0 stuck for 9s! [init:24]',
	],
	'6.12-arm64-sysrq-crash.log': ['panic | __handle_sysrq | Kernel panic - not syncing: sysrq triggered crash'],
	'6.12-arm64-two-cpus.log': [
		'warning | evil_warn | WARNING: CPU: 1 PID: 34 at fpbad.c:25 evil_warn+0x14/0x1c [fpbad]',
		'warning | evil_warn | WARNING: CPU: 0 PID: 33 at fpbad.c:25 evil_warn+0x14/0x1c [fpbad]',
	],
	'6.12-arm64-warnings.log': [
		'warning | evil_warn | WARNING: CPU: 0 PID: 24 at fpbad.c:25 evil_warn+0x14/0x1c [fpbad]',
		'warning | evil_warnmsg | WARNING: CPU: 0 PID: 25 at fpbad.c:26 evil_warnmsg+0x18/0x24 [fpbad]',
		'refcount | evil_refcount | refcount_t: addition on 0; use-after-free.',
	],
	'6.12-x86_64-bug.log': ['bug | evil_bug | kernel BUG at fpbad.c:24!'],
	'6.12-x86_64-debug-dma-api-size.log': [
		'dma-api | fpbad_init | DMA-API: platform evildev.0: device driver frees DMA memory with different si',
	],
	'6.12-x86_64-debug-dma-api-sync.log': [
		'dma-api | fpbad_init | DMA-API: platform evildev.0: device driver tries to sync DMA memory it has no',
	],
	'6.12-x86_64-debug-hung-task.log': ['hung-task | fpbad_init | INFO: task init:31 blocked for more than 4 seconds.'],
	'6.12-x86_64-debug-kmemleak.log': [
		'kmemleak | - | kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)',
		'kmemleak | - | unreferenced object 0xffff888003299580 (size 128):',
		'kmemleak | - | unreferenced object 0xffff888003299600 (size 128):',
		'kmemleak | - | unreferenced object 0xffff888003299680 (size 128):',
	],
	'6.12-x86_64-debug-list-corruption.log': [
		'list-corruption | evil_list | list_del corruption. next->prev should be ffff888000f96a10, but was ff',
	],
	'6.12-x86_64-debug-lockdep-circular.log': [
		'lockdep | evil_circular | WARNING: possible circular locking dependency detected',
	],
	'6.12-x86_64-debug-lockdep-held-freed.log': ['lockdep | fpbad_init | WARNING: held lock freed!'],
	'6.12-x86_64-debug-lockdep-irq.log': ['lockdep | evil_irqlock | WARNING: inconsistent lock state'],
	'6.12-x86_64-debug-lockdep-rcu.log': ['lockdep | fpbad_init | WARNING: suspicious RCU usage'],
	'6.12-x86_64-debug-lockdep-recursive.log': [
		'lockdep | evil_recursive | WARNING: possible recursive locking detected',
	],
	'6.12-x86_64-debug-lockdep-unlock.log': ['lockdep | fpbad_init | WARNING: bad unlock balance detected!'],
	'6.12-x86_64-debug-preemptible.log': [
		'bug | evil_preempt | BUG: using smp_processor_id() in preemptible [00000000] code: init/31',
	],
	'6.12-x86_64-debug-rcu-stall.log': ['rcu-stall | evil_spinner | rcu: INFO: rcu_preempt self-detected stall on CPU'],
	'6.12-x86_64-debug-schedule-in-atomic.log': [
		'atomic-sleep | evil_atomic_sched | BUG: scheduling while atomic: init/31/0x00000002',
		'warning | evil_atomic_sched | WARNING: CPU: 0 PID: 31 at kernel/sched/core.c:5858 preempt_count_sub+',
	],
	'6.12-x86_64-debug-sleep-in-atomic-alloc.log': [
		'atomic-sleep | evil_atomic_alloc | BUG: sleeping function called from invalid context at include/lin',
	],
	'6.12-x86_64-debug-sleep-in-atomic-mutex.log': [
		'atomic-sleep | evil_atomic_mutex | BUG: sleeping function called from invalid context at kernel/lock',
		'lockdep | evil_atomic_mutex | [ BUG: Invalid wait context ]',
	],
	'6.12-x86_64-debug-soft-lockup.log': [
		'soft-lockup | evil_soft | watchdog: BUG: soft lockup - CPU#0 stuck for 11s! [init:31]',
	],
	'6.12-x86_64-debug-ubsan.log': [
		'ubsan | evil_ubsan | UBSAN: array-index-out-of-bounds in fpbad.c:45:86',
		'ubsan | evil_ubsan | UBSAN: shift-out-of-bounds in fpbad.c:45:126',
	],
	'6.12-x86_64-debug-usercopy.log': [
		"bug | evil_usercopy | usercopy: Kernel memory exposure attempt detected from SLUB object 'kmalloc-64",
	],
	'6.12-x86_64-debug-workqueue-leak.log': [
		'bug | wfn | BUG: workqueue leaked atomic, lock or RCU: kworker/0:1[9]',
		'atomic-sleep | process_scheduled_works | BUG: sleeping function called from invalid context at kerne',
		'atomic-sleep | wfn | BUG: scheduling while atomic: kworker/0:1/9/0x00000002',
	],
	'6.12-x86_64-init-exits.log': [
		'panic | do_exit | Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000b00',
	],
	'6.12-x86_64-non-canonical.log': [
		'oops | evil_gpf | Oops: general protection fault, probably for non-canonical address 0xdead000000000',
	],
	'6.12-x86_64-null-call.log': ['oops | evil_jump | BUG: kernel NULL pointer dereference, address: 0000000000000000'],
	'6.12-x86_64-null-memcpy.log': [
		'oops | evil_memcpy | BUG: kernel NULL pointer dereference, address: 0000000000000000',
	],
	'6.12-x86_64-null-write.log': ['oops | evil_null | BUG: kernel NULL pointer dereference, address: 0000000000000000'],
	'6.12-x86_64-panic.log': ['panic | evil_panic | Kernel panic - not syncing: evil panic 7'],
	'6.12-x86_64-sysrq-crash.log': ['panic | sysrq_handle_crash | Kernel panic - not syncing: sysrq triggered crash'],
	'6.12-x86_64-two-cpus.log': [
		'warning | evil_warn | WARNING: CPU: 1 PID: 35 at fpbad.c:25 evil_warn+0xc/0xf [fpbad]',
		'warning | evil_warn | WARNING: CPU: 0 PID: 34 at fpbad.c:25 evil_warn+0xc/0xf [fpbad]',
	],
	'6.12-x86_64-warnings.log': [
		'warning | evil_warn | WARNING: CPU: 0 PID: 27 at fpbad.c:25 evil_warn+0xc/0xf [fpbad]',
		'warning | evil_warnmsg | WARNING: CPU: 0 PID: 28 at fpbad.c:26 evil_warnmsg+0x11/0x14 [fpbad]',
		'refcount | evil_refcount | refcount_t: addition on 0; use-after-free.',
	],
	'7.3-arm64-bug.log': [
		'bug | evil_bug | kernel BUG at fpbad.c:24!',
		'warning | __switch_to | WARNING: arch/arm64/kernel/process.c:738 at __switch_to+0x44/0x118, CPU#0: i',
		'warning | ct_kernel_exit | WARNING: kernel/context_tracking.c:107 at ct_kernel_exit.constprop.0+0x34',
	],
	'7.3-arm64-debug-bad-page.log': ['bad-page | evil_badpage | BUG: Bad page state in process init  pfn:47fb9'],
	'7.3-arm64-debug-deadlock.log': [
		'lockdep | evil_hungmutex | WARNING: possible recursive locking detected',
		'hung-task | evil_hungmutex | INFO: task init:76 blocked for more than 4 seconds.',
	],
	'7.3-arm64-debug-dma-api-size.log': [
		'dma-api | evil_dma | DMA-API: platform evildev.0: device driver frees DMA memory with different size',
	],
	'7.3-arm64-debug-hard-lockup.log': [
		'hard-lockup | - | watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 0',
		'rcu-stall | - | rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
	],
	'7.3-arm64-debug-kasan-double-free.log': [
		'kasan | evil_doublefree | BUG: KASAN: double-free in evil_doublefree+0x50/0x5c [fpbad]',
	],
	'7.3-arm64-debug-kasan-out-of-bounds.log': [
		'kasan | evil_oob | BUG: KASAN: slab-out-of-bounds in evil_oob+0x6c/0x88 [fpbad]',
	],
	'7.3-arm64-debug-kasan-use-after-free.log': [
		'kasan | evil_uaf | BUG: KASAN: slab-use-after-free in evil_uaf+0x70/0x84 [fpbad]',
	],
	'7.3-arm64-debug-list-corruption.log': [
		'list-corruption | evil_list | list_del corruption. next->prev should be ffff000007f4ed50, but was ff',
	],
	'7.3-arm64-debug-lkdtm-execute-null.log': [
		'oops | execute_location | Unable to handle kernel NULL pointer dereference at virtual address 000000',
	],
	'7.3-arm64-debug-lkdtm-execute-user-memory.log': [
		'oops | lkdtm_EXEC_USERSPACE | Unable to handle kernel execution of user memory at virtual address 00',
	],
	'7.3-arm64-debug-lkdtm-guard-page.log': [
		'kasan | lkdtm_STACK_GUARD_PAGE_LEADING | BUG: KASAN: vmalloc-out-of-bounds in lkdtm_STACK_GUARD_PAGE',
		'oops | lkdtm_STACK_GUARD_PAGE_LEADING | Unable to handle kernel paging request at virtual address ff',
	],
	'7.3-arm64-debug-lkdtm-kasan-stack.log': [
		'kasan | __lkdtm_CORRUPT_STACK | BUG: KASAN: stack-out-of-bounds in __lkdtm_CORRUPT_STACK+0x14/0x1c',
	],
	'7.3-arm64-debug-lkdtm-kfence-read.log': [
		'kfence | lkdtm_READ_AFTER_FREE | BUG: KFENCE: use-after-free read in lkdtm_READ_AFTER_FREE+0x170/0x2',
	],
	'7.3-arm64-debug-lkdtm-kfence-write.log': [
		'kfence | lkdtm_SLAB_LINEAR_OVERFLOW | BUG: KFENCE: out-of-bounds write in lkdtm_SLAB_LINEAR_OVERFLOW',
	],
	'7.3-arm64-debug-lkdtm-panic.log': ['panic | lkdtm_do_action | Kernel panic - not syncing: dumptest'],
	'7.3-arm64-debug-lkdtm-refcount.log': [
		'refcount | lkdtm_REFCOUNT_INC_OVERFLOW | refcount_t: saturated; leaking memory.',
	],
	'7.3-arm64-debug-lkdtm-slab-cross.log': [
		'warning | lkdtm_SLAB_FREE_CROSS | WARNING: mm/slub.c:6599 at warn_free_bad_obj+0xec/0x110, CPU#0: in',
	],
	'7.3-arm64-debug-lkdtm-usercopy.log': [
		'bug | do_usercopy_stack | usercopy: Kernel memory exposure attempt detected from process stack (offs',
		'warning | __switch_to | WARNING: arch/arm64/kernel/process.c:738 at __switch_to+0x70/0x250, CPU#0: i',
		'warning | ct_kernel_exit | WARNING: kernel/context_tracking.c:107 at ct_kernel_exit.constprop.0+0x7c',
	],
	'7.3-arm64-debug-lkdtm-warning.log': [
		'warning | lkdtm_WARNING_MESSAGE | WARNING: drivers/misc/lkdtm/bugs.c:169 at lkdtm_WARNING_MESSAGE+0x',
	],
	'7.3-arm64-debug-lkdtm-write-read-only.log': [
		'oops | lkdtm_WRITE_RO | Unable to handle kernel write to read-only memory at virtual address ffff800',
	],
	'7.3-arm64-debug-lockdep-circular.log': [
		'lockdep | evil_circular | WARNING: possible circular locking dependency detected',
	],
	'7.3-arm64-debug-lockdep-wait-context.log': ['lockdep | evil_irqlock | [ BUG: Invalid wait context ]'],
	'7.3-arm64-debug-ubsan.log': [
		'ubsan | evil_ubsan | UBSAN: array-index-out-of-bounds in fpbad.c:45:86',
		'ubsan | evil_ubsan | UBSAN: shift-out-of-bounds in fpbad.c:45:126',
	],
	'7.3-arm64-init-exits.log': [
		'panic | do_exit | Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000b00',
	],
	'7.3-arm64-null-call.log': [
		'oops | evil_jump | Unable to handle kernel NULL pointer dereference at virtual address 0000000000000',
	],
	'7.3-arm64-null-memcpy.log': [
		'oops | evil_memcpy | Unable to handle kernel NULL pointer dereference at virtual address 00000000000',
	],
	'7.3-arm64-null-write.log': [
		'oops | evil_null | Unable to handle kernel NULL pointer dereference at virtual address 0000000000000',
	],
	'7.3-arm64-panic.log': ['panic | fpbad_init | Kernel panic - not syncing: evil panic 7'],
	'7.3-arm64-stack-overflow.log': [
		'oops | evil_stack | Insufficient stack space to handle exception!',
		'panic | evil_stack | Kernel panic - not syncing: kernel stack overflow',
	],
	'7.3-arm64-sysrq-crash.log': ['panic | __handle_sysrq | Kernel panic - not syncing: sysrq triggered crash'],
	'7.3-arm64-two-cpus.log': [
		'warning | evil_warn | WARNING: fpbad.c:25 at evil_warn+0x14/0x1c [fpbad], CPU#0: evil/0/35',
		'warning | evil_warn | WARNING: fpbad.c:25 at evil_warn+0x14/0x1c [fpbad], CPU#1: evil/1/36',
	],
	'7.3-arm64-warnings.log': [
		'warning | evil_warn | WARNING: fpbad.c:25 at evil_warn+0x14/0x1c [fpbad], CPU#0: init/25',
		'warning | evil_warnmsg | WARNING: fpbad.c:26 at evil_warnmsg+0x18/0x24 [fpbad], CPU#0: init/26',
		'refcount | evil_refcount | refcount_t: addition on 0; use-after-free.',
	],
	'7.3-x86_64-bug.log': ['bug | evil_bug | kernel BUG at fpbad.c:24!'],
	'7.3-x86_64-clean-boot.log': [],
	'7.3-x86_64-clean-sysrq-l.log': [],
	'7.3-x86_64-hung-task.log': ['hung-task | fpbad_init | INFO: task init:28 blocked for more than 4 seconds.'],
	'7.3-x86_64-non-canonical.log': [
		'oops | evil_gpf | Oops: general protection fault, probably for non-canonical address 0xdead000000000',
	],
	'7.3-x86_64-null-call.log': ['oops | evil_jump | BUG: kernel NULL pointer dereference, address: 0000000000000000'],
	'7.3-x86_64-null-write.log': ['oops | evil_null | BUG: kernel NULL pointer dereference, address: 0000000000000000'],
	'7.3-x86_64-oom.log': [
		'oom | __handle_mm_fault | init invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO',
	],
	'7.3-x86_64-panic.log': ['panic | evil_panic | Kernel panic - not syncing: evil panic 7'],
	'7.3-x86_64-soft-lockup.log': [
		'soft-lockup | evil_soft | watchdog: BUG: soft lockup - CPU#0 stuck for 9s! [init:29]',
	],
	'7.3-x86_64-stack-overflow.log': [
		'oops | evil_stack | traps: PANIC: double fault, error_code: 0x0',
		'panic | - | Kernel panic - not syncing: Fatal exception in interrupt',
	],
	'7.3-x86_64-sysrq-crash.log': ['panic | sysrq_handle_crash | Kernel panic - not syncing: sysrq triggered crash'],
	'7.3-x86_64-two-cpus.log': [
		'warning | evil_warn | WARNING: fpbad.c:25 at evil_warn+0xc/0xf [fpbad], CPU#0: evil/0/36',
		'warning | evil_warn | WARNING: fpbad.c:25 at evil_warn+0xc/0xf [fpbad], CPU#1: evil/1/37',
	],
	'7.3-x86_64-warnings.log': [
		'warning | evil_warn | WARNING: fpbad.c:25 at evil_warn+0xc/0xf [fpbad], CPU#0: init/28',
		'warning | evil_warnmsg | WARNING: fpbad.c:26 at evil_warnmsg+0x7/0x12 [fpbad], CPU#0: init/29',
		'refcount | evil_refcount | refcount_t: addition on 0; use-after-free.',
	],
};
