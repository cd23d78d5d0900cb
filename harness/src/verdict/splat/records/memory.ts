// SPDX-License-Identifier: MIT
import type { SplatRecord } from '../record.js';

/** mm/page_alloc.c, mm/memory.c, mm/filemap.c, kernel/fork.c, mm/slub.c, mm/oom_kill.c, mm/kmemleak.c. */
export const MEMORY: readonly SplatRecord[] = [
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
		id: 'bad-entry',
		kind: 'bad-page',
		severity: 'severe',
		pattern:
			/^(?:\S{1,100}\.[ch]:\d{1,6}: bad p(?:gd|4d|ud|md|te) [0-9a-f]|\w{1,40}: (?:Bad|Unused) swap (?:file|offset) entry [0-9a-f])/,
		end: 'line',
		source:
			'arch/*/include/asm/pgtable*.h: pmd_ERROR(), called by mm/pgtable-generic.c; mm/swapfile.c: Bad_file, Bad_offset',
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
		id: 'slab-of-old',
		kind: 'bug',
		severity: 'severe',
		pattern: /^(?:Slab corruption \((?:Not tainted|Tainted: [^)]{0,60})\): |slab error in \w{1,60}\(\): cache `)/,
		end: 'trace',
		source: 'mm/slab.c, up to 6.7: check_poison_obj(), __slab_error()',
		reach: 20,
	},
	{
		id: 'slab-destroyed',
		kind: 'bug',
		severity: 'severe',
		pattern: /^kmem_cache_destroy \S.{0,100}: Slab cache still has objects/,
		end: 'trace',
		source: 'mm/slab_common.c: kmem_cache_destroy(), a WARN() in 6.1',
		continues: ['slab'],
	},
	{
		id: 'oom',
		kind: 'oom',
		severity: 'warning',
		pattern: /^\S.{0,30} invoked oom-killer: gfp_mask=/,
		end: 'oom',
		source: 'mm/oom_kill.c: dump_header()',
		reach: 2000,
		tail: /^oom_reaper: /,
	},
	{
		id: 'oom-kill',
		kind: 'oom',
		severity: 'warning',
		pattern:
			/^(?:Out of memory|Memory cgroup out of memory)(?: \(oom_kill_allocating_task\))?: (?:Kill(?:ed)? process|OOM victim)/,
		end: 'oom',
		source: 'mm/oom_kill.c: __oom_kill_process(); oom_kill_process() of 4.19',
		tail: /^oom_reaper: /,
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
