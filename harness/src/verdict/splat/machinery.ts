// SPDX-License-Identifier: MIT

/**
 * Functions that stand in a report because of how the kernel reports, not because of what went wrong: whoever called
 * them is guilty. Each group says where its names come from. A pattern matches whole names, without compiler suffixes.
 */
export interface MachineryGroup {
	readonly why: string;
	readonly names: RegExp;
	/** Passed over even where the title names it: a report about a corrupted list is titled after the list's check. */
	readonly titled: boolean;
}

/** Names of one group joined into one anchored pattern. */
function group(why: string, ...names: readonly string[]): MachineryGroup {
	return { why, names: new RegExp(`^(?:${names.join('|')})$`), titled: false };
}

/** A group whose functions a report may be titled after although it is about their caller. */
function titledGroup(why: string, ...names: readonly string[]): MachineryGroup {
	return { ...group(why, ...names), titled: true };
}

export const MACHINERY: readonly MachineryGroup[] = [
	titledGroup(
		'prints the stack: lib/dump_stack.c, arch/{x86,arm64}/kernel, kernel/panic.c, lib/nmi_backtrace.c',
		'_?_?dump_stack(_lvl|_print_info)?',
		'dump_backtrace(_entry)?',
		'show_(stack|regs|trace_log_lvl|state_filter|mem)',
		'_?_?show_(regs|trace_log_lvl|mem)',
		'(sched_)?show_task',
		'dump_cpu_task',
		'v?panic',
		'nmi_panic',
		'__?warn(_printk|_thunk)?',
		'warn_(slowpath_\\w+|alloc|printf|bogus_irq_restore)',
		'check_panic_on_warn',
		'(__)?report_bug(_entry)?',
		'nmi_(cpu_backtrace|trigger_cpumask_backtrace|handle|cpu_backtrace_handler)',
		'(arch_)?trigger_\\w*backtrace\\w*',
		'arm64_serror_panic|panic_bad_stack|__?bad_stack|handle_bad_stack',
	),
	group(
		'traps and faults on their way to the report: arch/x86/{kernel/traps.c,mm/fault.c,entry}, arch/arm64/{kernel,mm}',
		'_?_?die(_addr|_body|_header|_kernel_fault)?',
		'oops_(begin|end|enter|exit)',
		'(page_fault|kernelmode_fixup_or)_oops|page_fault_oops|no_context|pgtable_bad',
		'(__)?bad_area(_nosemaphore|_access_error)?',
		'(asm_|noist_)?(exc|sysvec)_\\w+',
		'do_(trap|error_trap|kern_addr_fault|user_addr_fault|undefinstr|translation_fault|mem_abort|sea|bad_area|page_fault|el[01]_\\w+|serror|debug_exception|sp_pc_abort|alignment_fault|bad|oops_\\w+)',
		'__do_kernel_fault|__do_user_fault|fixup_bug|handle_bug|handle_stack_overflow|handle_invalid_op',
		'el[01]h?t?_?(64|32)?_?\\w*(sync|irq|fiq|error|abort|undef|inv|brk64|dbg|interrupt)\\w*',
		'(bug|ubsan|kasan|cfi|brk)_?(brk_)?handler|reserved_fault_brk_handler|call_break_hook|brk_handler',
		'arm64_notify_die|early_brk64|bug_brk_handler|call_el1_break_hook',
		'rewind_stack_(and_make_dead|do_exit)|make_task_dead',
		'notify_die|(atomic_)?notifier_call_chain(_robust)?|notify_(page_fault|die)',
		'(raw_)?irqentry_\\w+|error_(entry|return)|page_fault|general_protection|invalid_op|async_page_fault|divide_error',
	),
	titledGroup(
		'sanitizers: mm/kasan, mm/kfence, kernel/kcsan, mm/kmsan, lib/ubsan.c; compilers call these entries',
		'__(asan|hwasan|kasan|kfence|kcsan|tsan|kmsan|msan|ubsan)_\\w+',
		'kasan_(report|check|save|set|kmalloc|krealloc|slab|poison|unpoison|die|handler|record|tag_mismatch|print|complete|quarantine|mempool|populate|byte_accessible|metadata|non_canonical)\\w*',
		'print_(report|address_description|error_description|address_stack_frame)(_\\w+)?',
		'(check|addr_has)_(memory_region|metadata|region_inline)(_inline)?|check_region_inline|memory_is_poisoned\\w*',
		'(start|end|complete)_report(_\\w+)?',
		'kfence_(report_error|print_\\w+|handle_page_fault|guarded_\\w+|ksize|unprotect|check_\\w+|shutdown_cache)|check_canary\\w*',
		'kcsan_(report\\w*|setup_watchpoint|found_watchpoint|check_access)|check_access|set_other_info_task_blocking',
		'kmsan_(report|internal_\\w+|handle_\\w+|copy_to_user|check_memory)',
		'ubsan_(epilogue|prologue)|handle_overflow|handle_object_size_mismatch|report_ubsan_failure',
		'_?_?stack_chk_fail|__fortify_(panic|report)|fortify_panic',
		'(__)?stack_depot_save\\w*|stack_trace_save(_\\w+)?|save_stack(_trace)?|set_track(_prepare|_update)?|(un)?poison_slab_object|poison_kmalloc_redzone',
		'(report|handle)_cfi_failure|(__)?cfi_(slowpath|check)\\w*',
		'usercopy_(abort|warn)|__check_(heap_)?object(_size)?|check_(heap_object|stack_object|kernel_text_object)',
	),
	titledGroup(
		'lock debugging: kernel/locking/{lockdep,spinlock_debug,mutex-debug,rtmutex}.c, lib/smp_processor_id.c',
		'print_(circular_bug|deadlock_bug|usage_bug|irq_inversion_bug|bad_irq_dependency|unlock_imbalance_bug|lock_nested_lock_not_held|lock_invalid_wait_context|lock_contention_bug|freed_lock_bug|collision|held_locks_bug|cpu_sync\\w*)\\w*',
		'_?_?lock_(acquire|release|acquired|contended|is_held_type|set_class|downgrade|sync|commit_lock)\\w*',
		'_?_?lockdep_\\w+|lock_chain_\\w+|register_lock_class|assign_lock_key|mark_(lock|usage|held_locks|lock_irq)\\w*',
		'validate_chain|valid_state|hlock_class|check_(prev_add|prevs_add|noncircular|irq_usage|deadlock|wait_context|chain_key|flags|preemption_disabled|preempt_wakeup)\\w*',
		'debug_(check_no_locks_(freed|held)|mutex_\\w+|rt_mutex_\\w+|spin_\\w+|smp_processor_id|lockdep_rcu_enabled|check_no_obj_freed|object_\\w+|print_object|rwlock\\w*)|__debug_(check_no_obj_freed|object_init)',
		'do_raw_\\w+_(un)?lock\\w*|spin_(bug|dump)|rwlock_bug|debug_lockdep_\\w+',
		'_?_?might_(resched|sleep|fault)|_?_?cant_(sleep|migrate)|__schedule_bug',
		'preempt_count_(add|sub)|__this_cpu_preempt_check|check_preemption_disabled|rcu_(sleep_check|note_context_switch|lockdep_\\w+)',
	),
	group(
		'locks, taken and released for somebody: kernel/locking, include/linux/{spinlock,mutex,rwsem}.h',
		'_?_?_?(raw_)?(spin|read|write|seq)_?(try|un)?_?(lock|unlock)\\w*',
		'(native_|pv_|__pv_|kvm_)?queued_(spin|read|write)_\\w+',
		'_?_?_?(ww_)?(rt_)?mutex_\\w*(lock|unlock)\\w*',
		'(__)?rwsem_\\w+|_?_?(down|up)_(read|write|interruptible|killable|timeout|trylock)\\w*|down|up|__down_common',
		'rt_(spin|read|write|mutex)_\\w+|rtlock_\\w+|_?rt_\\w*slowlock\\w*|osq_(un)?lock|local_bh_(en|dis)able|__local_bh_(en|dis)able_ip|percpu_(down|up)_\\w+',
	),
	group(
		'the scheduler and its waits: kernel/sched, kernel/time/{timer,sleep_timeout}.c, mm/memory.c (might_fault)',
		'_?_?schedule(_(timeout|hrtimeout|bug|preempt_disabled|idle|rtlock)\\w*)?|_?_?cond_resched\\w*|preempt_schedule\\w*|io_schedule\\w*',
		'__schedule_loop|context_switch|__switch_to(_asm)?|_?_?might_alloc',
		'(do_|__)?wait_for_common|(__)?wait_for_completion\\w*|wait_woken|_?_?wait_event\\w*|(do_|__)?wait_on_bit\\w*|bit_wait\\w*|out_of_line_wait_on_bit\\w*|do_nanosleep|hrtimer_nanosleep\\w*',
		'(u|m|n|f)(s|sl)?(leep|delay)(_range(_state)?|_interruptible)?|usleep_range\\w*|msleep\\w*|_?_?(const_)?udelay|__delay|delay_(loop|tsc|halt\\w*)|ndelay|read_tsc|__const_udelay|__timer_delay|arch_timer_\\w+',
		'dequeue_task\\w*|finish_task_switch|__refrigerator|try_to_freeze|kthread_(parkme|should_\\w+)|synchronize_(rcu|srcu|net|rcu_expedited|irq)|__synchronize_\\w+|wait_rcu_gp|__wait_rcu_gp|rcu_(exp_)?wait_\\w+|__flush_(work|workqueue)|flush_(work|workqueue)|stop_machine\\w*',
	),
	titledGroup(
		'memory allocators, entered for somebody: mm/{slub,slab_common,page_alloc,vmalloc,util}.c, mm/kmemleak.c, mm/oom_kill.c',
		'_?_?(do_)?k(m|z|c|vm|vz|re|vre)alloc(_(noprof|node|array|trace|order|large|cache|bulk|flex|obj|reserve|nolock|track_caller|lvl))*',
		'_?_?k(z|v|vz)?free(_(sensitive|rcu|skb_reason|bulk|call_rcu|rcu_mightsleep|nolock|const|rcu_list))?|kv(free|malloc)_\\w+',
		'(do_)?_?_?kmem_cache_(alloc|free|charge|alloc_lru|alloc_node|alloc_bulk|free_bulk)(_\\w+)?|kmemdup(_\\w+)?|kstrn?dup(_\\w+)?',
		'_?_?_?slab_(alloc|free|post_alloc_hook|pre_alloc_hook|free_freelist_hook|free_hook|bug|err|error|pad_check|fix)(_\\w+)?|new_slab|allocate_slab|alloc_(slab_page|from_pcs|single_from_\\w+)|free_(slab|to_partial_list|to_pcs|debug_processing|consistency_checks)|do_slab_free|memcg_(slab_\\w+|alloc_\\w+)_hook|cache_from_obj|get_(any_)?partial(_\\w+)?|refill_(objects|sheaf)|__refill_objects\\w*|__pcs_\\w+',
		'warn_free_bad_obj|kmem_cache_debug_flags|check_(object|slab|bytes_and_report|pad_bytes|valid_pointer)|object_err|print_(trailer|tracking|section|track|page_info|slab_info)|alloc_(consistency_checks|debug_processing)|on_freelist|validate_slab\\w*|init_object|setup_object\\w*|restore_bytes|__slab_(err|bug)|mem_dump_obj|kmem_(dump_obj|obj_info)',
		'cache_(alloc|free)_debugcheck(_\\w+)?|verify_redzone_free|check_poison_obj|(__)?kmem_cache_(destroy|shutdown)|shutdown_cache',
		'(__)?kernel_(un)?poison_pages|check_poison_mem|kmalloc_fix_flags|pcpu_alloc\\w*|warn_alloc_show_mem',
		'_{0,3}alloc_(frozen_)?pages?(_\\w+)?|_?_?get_free_pages?(_\\w+)?|get_zeroed_page(_\\w+)?|_?_?folio_alloc(_\\w+)?|get_page_from_freelist|prep_new_page|post_alloc_hook|check_new_pages?|rmqueue\\w*',
		'_{0,3}free_(frozen_)?(pages?|unref_\\w+|pcppages_bulk|one_page|pages_(prepare|ok|exact)|page_is_bad\\w*|tail_page_prepare|large_kmalloc)|__free_pages_\\w+|bad_page|_?_?folios?_put(_\\w+)?|put_page|release_pages|destroy_large_folio|dump_page|__dump_(page|folio)|print_bad_(pte|page_map)|zap_(pte|pmd|pud|p4d|pgd|page|present)_\\w+|unmap_(page_range|vmas|single_vma)',
		'_?_?v(m|z)alloc(_\\w+)?|vfree(_atomic)?|_?_?vmap(_\\w+)?|vunmap(_\\w+)?|__vmalloc_(node|area)\\w*',
		'kmemleak_(alloc|free|vmalloc|not_leak|no_scan|scan|erase|update)(_\\w+)?|create_object|__(create|link|alloc)_object|delete_object_\\w+|scan_(block|object|gray_list)',
		'dump_header|oom_kill_process|out_of_memory|__oom_kill_process|mem_cgroup_(out_of_memory|oom\\w*)|pagefault_out_of_memory|(obj_cgroup_|mem_cgroup_|__mem_cgroup_)?(try_)?charge(_\\w+)?',
		'devm_k[mz]alloc(_\\w+)?|mempool_(alloc|free)(_\\w+)?',
	),
	group(
		'strings and copies: lib/string.c, arch/*/lib, include/linux/uaccess.h, lib/usercopy.c',
		'(__)?(__pi_|__x86_)?mem(cpy|set|set16|set32|set64|move|cmp|chr|scan|chr_inv)(_orig|_erms|_rep|_generic|_mops|_io|_fromio|_toio|_flushcache)?',
		'(__pi_)?(str(n|l|s|r)?(len|cpy|cat|cmp|chr|chrnul|str|casecmp|scpy|nlen|sep|pbrk|spn|nchr|nstr)|sized_strscpy)',
		'(raw_|_|__|_inline_)?copy_(to|from|in)_(user|iter|kernel_nofault|user_nofault|user_nmi)|_?_?copy_user(_generic\\w*|_nocache\\w*)?|__arch_(copy|clear)_\\w+|_?_?clear_(user|page)(_rep|_orig|_erms)?|(__)?(get|put)_user_(nocheck_)?\\d|rep_(movs|stos)_alternative|copy_page(_regs)?|copy_page_(to|from)_iter|strn(cpy|len)_(from_)?user',
		'v?s(c?n)?printf|format_decode|(string|number|pointer)(_nocheck)?|vprintk(_\\w+)?|_printk|printk(_deferred)?',
		'_?find_(first|next)_(zero_)?bit|__read_once\\w*|read_word_at_a_time',
	),
	titledGroup(
		'counters and lists whose corruption shows in them: lib/{refcount,list_debug,rbtree,kobject}.c, include/linux/kref.h',
		'(__)?refcount_\\w+|(_)?kref_(get|put)\\w*|(__)?list_(add|del|move|replace|empty|splice)\\w*|__list_\\w*valid\\w*|h?list_\\w*(add|del)\\w*|hlist_\\w+|rb_(erase|insert_color)|__rb_\\w+|(arch_|raw_)?atomic(64)?_\\w+|(arch_)?(test_and_)?(set|clear|change)_bit|llist_\\w+|plist_\\w+|check_data_corruption',
	),
	titledGroup(
		'DMA debugging and the mapping calls it checks: kernel/dma/{debug,mapping,direct}.c, swiotlb.c',
		'check_(un)?map\\w*|check_(sync|sg_segment|for_(stack|illegal_area)|unmap)|debug_dma_\\w+|(add|dump)_(dma_)?entry\\w*|active_cacheline_\\w+|dma_(un)?map_(page|sg|single|sgtable|resource|phys)\\w*|__dma_map_sg_attrs|_?_?dma_sync_\\w+|dma_(alloc|free)_(attrs|coherent|pages|noncontiguous|noncoherent)|dma_direct_\\w+|swiotlb_\\w+|dma_unmap_\\w+|err_printk',
	),
	titledGroup(
		'model specific registers, read and written for somebody: arch/x86/include/asm/msr.h, arch/x86/lib/msr-smp.c',
		'(__|native_|paravirt_|pv_native_)*(read|write)_msr(_safe)?|(rd|wr)msrq?l?(_safe)?(_on_cpu)?|__(rd|wr)msr_(safe_)?on_cpu',
	),
	group(
		'panics of Rust code, which end in a BUG(): rust/kernel/lib.rs: panic(), rust/helpers/bug.c, library/core of the compiler',
		'rust_helper_BUG|rust_begin_unwind|_RN\\w*(rust_begin_unwind|4core(9panicking|6option|6result)\\w*(panic|failed)\\w*)',
	),
	group(
		'registration, asked for by somebody: fs/sysfs, fs/kernfs, lib/kobject.c, drivers/base, drivers/char/misc.c, fs/char_dev.c',
		'sysfs_\\w+|__?sysfs_\\w+|kernfs_\\w+|kobject_\\w+|create_dir|internal_create_groups?|kset_\\w+',
		'device_(add|register|create|attach|initialize)\\w*|cdev_(device_)?add|misc_register|class_(register|create)\\w*|bus_(add|register)\\w*|driver_register|platform_device_(add|register)\\w*',
	),
	group(
		'interrupts nobody wanted: kernel/irq/spurious.c',
		'__report_bad_irq|note_interrupt|misrouted_irq|try_misrouted_irq',
	),
	group(
		'watchdogs and stall detectors: kernel/{watchdog*.c,hung_task.c,rcu,workqueue.c}, and the ticks that run them',
		'watchdog(_\\w+)?|softlockup_\\w+|is_softlockup|check_hung_\\w+|hung_task_\\w+|rcu_(check_gp_\\w+|dump_cpu_stacks|sched_clock_irq|pending|gp_(fqs_\\w+|kthread|init|cleanup)|check_callbacks|preempt_\\w+|exp_\\w+|cpu_\\w+)|print_(cpu|other_cpu|tasks)_stall\\w*|check_cpu_stall|synchronize_rcu_\\w+|wq_watchdog_\\w+|show_(cpu_pool|one_workqueue|all_workqueues)\\w*|csd_lock_\\w+|smp_call_function\\w*|on_each_cpu\\w*|generic_exec_single|generic_smp_call\\w*|flush_smp_call\\w*|__flush_smp_call\\w*',
		'kthread|kthread_worker_fn|worker_thread|ret_from_fork(_asm)?',
		'update_process_times|tick_(sched|nohz|periodic|handle)\\w*|_?_?hrtimer_(run_queues|interrupt|nanosleep|start\\w*)|__run_hrtimer|local_apic_timer_interrupt|(__)?sysvec_\\w+|handle_(percpu_devid_irq|irq_desc|irq_event\\w*|fasteoi_irq|edge_irq|level_irq|nmi|softirqs)|__handle_(irq_event_percpu|domain_irq)|generic_handle_(domain_)?irq\\w*|gic_handle_irq|gic_\\w+|call_on_irq_stack|do_interrupt_handler|__?irq_exit_rcu|irq_exit|irq_enter|__do_softirq|__?do_softirq\\w*|do_softirq\\w*|run_ksoftirqd|smpboot_thread_fn|__irqentry_text_(start|end)|common_interrupt|arch_timer_handler_\\w+|asm_common_interrupt|__?perf_event_overflow|(x86|intel|amd)_pmu_handle_irq',
		'(pv_)?native_(safe_)?halt|default_idle(_call)?|arch_cpu_idle(_enter|_exit)?|cpu_(do_idle|startup_entry|idle_poll)|do_idle|mwait_idle\\w*|intel_idle\\w*|acpi_(safe_halt|idle_\\w+)|cpuidle_(enter|idle_call|enter_state)|call_cpuidle|start_secondary|secondary_startup\\w*|__secondary_switched',
	),
];

const SUFFIX = /(?:\.(?:isra|constprop|part|llvm|cold|lto_priv|localalias|clone)(?:\.[\da-z]+)*)+$/;

/** A symbol as its source spells it: without what compilers append for clones and cold parts. */
export function sourceName(symbol: string): string {
	return symbol.replace(SUFFIX, '');
}

/**
 * Whether a function only passes a fault on, so that its caller is the one to name.
 * @param name as sourceName() gives it
 * @param inTitle whether the report is titled after it
 */
export function isMachinery(name: string, inTitle = false): boolean {
	return MACHINERY.some(({ names, titled }) => (titled || !inTitle) && names.test(name));
}
