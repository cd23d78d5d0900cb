// SPDX-License-Identifier: MIT
import type { Splat, SplatKind } from '../verdict.js';
import type { SplatRecord } from './record.js';
import { COMPLAINTS } from './records/complaints.js';
import { CONTEXTS } from './records/contexts.js';
import { FAULTS } from './records/faults.js';
import { IOMMU } from './records/iommu.js';
import { MEMORY } from './records/memory.js';
import { OTHERS } from './records/others.js';
import { SANITIZERS } from './records/sanitizers.js';
import { STALLS } from './records/stalls.js';
import { WARNINGS } from './records/warnings.js';

/** In the order in which they are tried: the first that matches counts. */
export const RECORDS: readonly SplatRecord[] = [
	...FAULTS,
	...SANITIZERS,
	...WARNINGS,
	...CONTEXTS,
	...MEMORY,
	...STALLS,
	...COMPLAINTS,
	...OTHERS,
	...IOMMU,
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
	/BUG|WARNING|panic|PANIC|Unable to handle|Internal error|\[#\d|INFO: |Watchdog|oom-killer|[Oo]ut of memory|kmemleak|unreferenced object|UBSAN|DMA-API|refcount_t|list_(?:add|del)|CFI failure|ENDBR|usercopy|Corrupted page|SError|Unhandled|Bad mode|Insufficient stack|csd: |huh, entered|nobody cared|bogus return|Flags mismatch|duplicate filename|kobject |bad: |wrong timeout|bad address|need_resched|Unexpected gfp|kmem_cache_create|pagealloc|allocation fail|vmalloc error|DMAR: \[DMA|fault from EP|arm-smmu-v3|Event logged|FAULT|fault type=|[Pp]age fault|(?:context|global|translation|Unhandled) fault|-- System halted|[Ss]lab c|slab error|MSR access|csum failure|Busy inodes|unregister_netdevice|: bad p|swap (?:file|offset) entry|page allocation/;
