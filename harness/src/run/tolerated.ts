// SPDX-License-Identifier: MIT
import type { AttributedSplat } from '../verdict/verdict.js';

/** `WARNING: … at FILE:LINE F+0x…` (`FILE:LINE at F+0x…` from 7.x), `RIP: 0010:F+0x…`, `pc : F+0x…`. */
function warningIn(functions: string): RegExp {
	return new RegExp(`(?::\\d+ (?:at )?|RIP: [0-9a-f]{4}:|pc : )(?:${functions})\\+0x`);
}

/** Reports that a case provokes by design. Everything else on the console counts against the kernel. */
const TOLERATED: readonly {
	readonly kind: AttributedSplat['kind'];
	/** What its title has to say, where not every report of the kind will do. */
	readonly title?: RegExp;
	/** The function that warns, by its title or its program counter: consoles lose bytes, and what is said twice survives. */
	readonly from?: RegExp;
	readonly catalogue: readonly string[];
	readonly why: string;
}[] = [
	{
		kind: 'oom',
		catalogue: ['ALLOC-08', 'ALLOC-19', 'MEM-04'],
		why: 'this case asks for more memory than there is, and being killed for it is accepted',
	},
	{
		kind: 'warning',
		// `addr … overflow (mask …, bus limit …)`, once after each boot; from 7.x on that line stands before the report.
		from: warningIn('swiotlb_map|dma_direct_map_\\w+'),
		catalogue: ['IMP-05', 'IMP-06', 'CMA-09'],
		why: 'this case maps for a device that cannot reach the memory: the kernel refuses that, and says so',
	},
	{
		kind: 'iommu-fault',
		catalogue: ['IMP-08', 'IMP-09'],
		why: 'this case makes a device go where it may not: the IOMMU refuses that, and its driver says so',
	},
	{
		kind: 'warning',
		title: /^sysfs: cannot create duplicate filename '\/(?:class|devices\/virtual)\/dma_heap\//,
		catalogue: ['NAME-08', 'NAME-10'],
		why: 'this case adds a heap of a name that is taken: the kernel refuses that, and says so',
	},
	{
		kind: 'warning',
		from: warningIn('dma_buf_vmap'),
		catalogue: ['IMP-11'],
		why: 'this case has a mapping into the kernel fail: the core warns once of an exporter that cannot make one',
	},
	{
		kind: 'oom',
		title: /^\S+: vmalloc error: size \d/,
		catalogue: ['IMP-11'],
		why: 'this case has the memory for a mapping into the kernel fail, and the kernel says that it did',
	},
	{
		kind: 'warning',
		from: warningIn('dma_buf_dynamic_attach'),
		catalogue: ['IMP-16'],
		why: 'this case attaches a dynamic importer that cannot be told of moves: the core refuses that, and says so',
	},
];

/** Why a report is no fault when it falls into the case with this catalogue id; undefined when it is one. */
export function toleratedSplat(splat: AttributedSplat, catalogue: string | undefined): string | undefined {
	const provoked = ({ kind, title, from, catalogue: ids }: (typeof TOLERATED)[number]) =>
		kind === splat.kind &&
		(title?.test(splat.title) ?? true) &&
		(from?.test(`${splat.title}\n${splat.report}`) ?? true) &&
		catalogue !== undefined &&
		ids.includes(catalogue);
	return TOLERATED.find(provoked)?.why;
}
