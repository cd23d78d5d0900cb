// SPDX-License-Identifier: MIT
import type { AttributedSplat } from '../verdict/verdict.js';

/** Reports that a case provokes by design. Everything else on the console counts against the kernel. */
const TOLERATED: readonly {
	readonly kind: AttributedSplat['kind'];
	readonly catalogue: readonly string[];
	readonly why: string;
}[] = [
	{
		kind: 'oom',
		catalogue: ['ALLOC-08', 'ALLOC-19', 'MEM-04'],
		why: 'this case asks for more memory than there is, and being killed for it is accepted',
	},
];

/** Why a report is no fault when it falls into the case with this catalogue id; undefined when it is one. */
export function toleratedSplat(splat: AttributedSplat, catalogue: string | undefined): string | undefined {
	return TOLERATED.find(
		({ kind, catalogue: ids }) => kind === splat.kind && catalogue !== undefined && ids.includes(catalogue),
	)?.why;
}
