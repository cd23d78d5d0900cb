// SPDX-License-Identifier: MIT
import type { ReleaseRange } from '../core/release.js';
import { inRange, parseRelease } from '../core/release.js';

/**
 * What a heap is, told to the suites (FENCEPOST_HEAP_KIND): by what backs it, or that it is reached through ION;
 * anything we don't know is a vendor's.
 */
export type HeapKind = 'system' | 'cma' | 'vendor' | 'ion';

/**
 * Subjects that are heaps of ION (/dev/ion, up to 5.10): behind it stands what the heap that has taken its place is called,
 * as `ion:system`. The agent lists them so (guest/agent/ion.c), and suites/lib/ion.h knows them.
 */
const ION_PREFIX = 'ion:';

/** How a machine's declaration names the default CMA heap, whatever the kernel calls it. */
export const CMA_ALIAS = '@cma';

/**
 * Names of the default CMA heap. Up to 6.16 the CMA area's own name (cma_get_name(); `reserved` when `cma=` made
 * it, kernel/dma/contiguous.c), from 6.17 a constant (drivers/dma-buf/heaps/cma_heap.c,
 * Documentation/userspace-api/dma-buf-heaps.rst).
 */
const CMA_NAMES: readonly (ReleaseRange & { readonly name: string })[] = [
	{ until: '6.16', name: 'reserved' },
	{ since: '6.17', name: 'default_cma_region' },
];
const OTHER_CMA_NAMES: readonly string[] = ['linux,cma', 'default-pool'];

/** The heap a declaration means, on a kernel of this release. */
export function heapName(declared: string, release: string): string {
	if (declared !== CMA_ALIAS) return declared;
	const parsed = parseRelease(release);
	return CMA_NAMES.find((range) => parsed && inRange(parsed, range))?.name ?? 'default_cma_region';
}

export function heapKind(name: string): HeapKind {
	if (name.startsWith(ION_PREFIX)) return 'ion';
	if (name === 'system') return 'system';
	if (CMA_NAMES.some((known) => known.name === name) || OTHER_CMA_NAMES.includes(name)) return 'cma';
	return 'vendor';
}

/** What a kernel must be built with to have a subject or another need; used to tell "cannot have" from "is missing". */
export const NEED_OPTIONS: Readonly<Record<string, readonly string[]>> = {
	'heap:system': ['CONFIG_DMABUF_HEAPS', 'CONFIG_DMABUF_HEAPS_SYSTEM'],
	'heap:cma': ['CONFIG_DMABUF_HEAPS', 'CONFIG_DMABUF_HEAPS_CMA', 'CONFIG_DMA_CMA'],
	'heap:ion': ['CONFIG_ION'],
	ion: ['CONFIG_ION'],
	sw_sync: ['CONFIG_SW_SYNC', 'CONFIG_DEBUG_FS'],
	debugfs: ['CONFIG_DEBUG_FS'],
	udmabuf: ['CONFIG_UDMABUF'],
};

/** The subject of suites that are not run once per heap, by what their cases need. */
export const NEED_SUBJECTS: readonly string[] = ['sw_sync', 'udmabuf', 'ion'];

/** How a suite is run: once per heap, or once against a subject of its own. */
export function suiteSubject(
	needs: Iterable<string>,
): { readonly perHeap: true } | { readonly perHeap: false; readonly subject: string } {
	const all = new Set(needs);
	for (const need of all) if (need === 'heap' || need.startsWith('heap:')) return { perHeap: true };
	return { perHeap: false, subject: NEED_SUBJECTS.find((need) => all.has(need)) ?? '' };
}
