// SPDX-License-Identifier: MIT
import { inRange, parseRelease, type ReleaseRange } from '../../core/release.js';
import type { Splat, SplatKind } from '../verdict.js';

/** One bit of /proc/sys/kernel/tainted (kernel/panic.c: taint_flags; Documentation/admin-guide/tainted-kernels.rst). */
export interface TaintBit {
	readonly bit: number;
	readonly letter: string;
	readonly words: string;
	/** Something went wrong inside the kernel: no test may set it. */
	readonly fault: boolean;
}

export const TAINT_BITS = [
	{ bit: 0, letter: 'P', words: 'a proprietary module was loaded', fault: false },
	{ bit: 1, letter: 'F', words: 'a module was loaded by force', fault: false },
	{ bit: 2, letter: 'S', words: 'the CPU is out of specification', fault: false },
	{ bit: 3, letter: 'R', words: 'a module was unloaded by force', fault: false },
	{ bit: 4, letter: 'M', words: 'a machine check happened', fault: true },
	{ bit: 5, letter: 'B', words: 'a page was found in a bad state', fault: true },
	{ bit: 6, letter: 'U', words: 'user space asked for the taint', fault: false },
	{ bit: 7, letter: 'D', words: 'the kernel died: an oops or a BUG', fault: true },
	{ bit: 8, letter: 'A', words: 'an ACPI table was overridden', fault: false },
	{ bit: 9, letter: 'W', words: 'the kernel warned', fault: true },
	{ bit: 10, letter: 'C', words: 'a staging driver was loaded', fault: false },
	{ bit: 11, letter: 'I', words: 'a firmware bug is worked around', fault: false },
	{ bit: 12, letter: 'O', words: 'an out-of-tree module was loaded', fault: false },
	{ bit: 13, letter: 'E', words: 'an unsigned module was loaded', fault: false },
	{ bit: 14, letter: 'L', words: 'a soft lockup happened', fault: true },
	{ bit: 15, letter: 'K', words: 'the kernel was patched live', fault: false },
	{ bit: 16, letter: 'X', words: 'a taint of the distribution', fault: false },
	{ bit: 17, letter: 'T', words: 'structure layouts were randomised', fault: false },
	{ bit: 18, letter: 'N', words: 'an in-kernel test was run', fault: false },
	{ bit: 19, letter: 'J', words: 'user space mutated device firmware through fwctl', fault: false },
] as const satisfies readonly TaintBit[];

/** A fault's bit set for another reason than a fault: neither a report nor anything wrong stands behind it. */
interface HarmlessTaint {
	readonly bit: number;
	/** Kernels that do it. */
	readonly kernel: ReleaseRange;
	readonly why: string;
}

const HARMLESS: readonly HarmlessTaint[] = [
	{
		bit: 14,
		kernel: { since: '7.2' },
		why: 'making a sw_sync fence sets it: drivers/dma-buf/sw_sync.c: sw_sync_ioctl_create_fence()',
	},
];

/** The kinds of reports after which a fault's bit is set (every add_taint() of 7.3's kernel, lib, mm, arch). */
const EXPLAINED_BY: ReadonlyMap<number, readonly SplatKind[]> = new Map([
	[4, ['oops', 'panic']],
	[5, ['bad-page', 'kasan', 'kfence', 'bug', 'list-corruption']],
	[7, ['oops', 'bug', 'panic', 'ubsan', 'list-corruption', 'kasan', 'kfence']],
	[9, ['warning', 'refcount', 'list-corruption', 'dma-api', 'lockdep', 'atomic-sleep', 'bug', 'kmemleak', 'rcu-stall']],
	[14, ['soft-lockup']],
] as const satisfies readonly (readonly [number, readonly SplatKind[]])[]);

/** /proc/sys/kernel/tainted before a program and after it, and the kernel's release. */
export interface TaintWitness {
	readonly before: number;
	readonly after: number;
	readonly release: string;
}

/** The faults that the taint tells of and no report on the console does: the console lost it, or never showed it. */
export function unexplainedTaints(
	{ before, after, release }: TaintWitness,
	splats: readonly Pick<Splat, 'kind'>[],
): readonly TaintBit[] {
	const parsed = parseRelease(release);
	const harmless = HARMLESS.filter(({ kernel }) => parsed && inRange(parsed, kernel)).map(({ bit }) => bit);
	return newTaints(before, after, harmless).filter(
		({ bit, fault }) => fault && !splats.some(({ kind }) => EXPLAINED_BY.get(bit)?.includes(kind)),
	);
}

/**
 * The bits that `after` has and `before` lacks.
 * @param ignore bits that are none of anybody's business
 */
export function newTaints(before: number, after: number, ignore: readonly number[] = []): readonly TaintBit[] {
	const fresh: TaintBit[] = [];
	for (let bit = 0; bit < 32; bit++) {
		const has = (value: number) => Math.floor(value / 2 ** bit) % 2 === 1;
		if (!has(after) || has(before) || ignore.includes(bit)) continue;
		fresh.push(
			TAINT_BITS.find((known) => known.bit === bit) ?? { bit, letter: '?', words: `unknown bit ${bit}`, fault: false },
		);
	}
	return fresh;
}
