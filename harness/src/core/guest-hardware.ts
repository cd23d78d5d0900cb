// SPDX-License-Identifier: MIT
import type { Arch } from './architectures.js';

/** IOMMUs that QEMU can put before a guest's devices. */
export const IOMMUS = ['intel', 'virtio', 'smmuv3'] as const;
export type Iommu = (typeof IOMMUS)[number];

/** Sizes of a page that kernels are built for (arch/arm64/Kconfig: ARM64_PAGE_SHIFT), and what follows from them. Data, not switches. */
export const PAGE_SIZES = [
	// include/linux/cma.h: CMA_MIN_ALIGNMENT_BYTES, up to 6.x; Documentation/arch/arm64/hugetlbpage.rst.
	{ pageKiB: 4, cmaUnitMiB: 4, hugePageMiB: 2 },
	{ pageKiB: 16, cmaUnitMiB: 32, hugePageMiB: 32 },
	{ pageKiB: 64, cmaUnitMiB: 512, hugePageMiB: 512 },
] as const;
export type PageKiB = (typeof PAGE_SIZES)[number]['pageKiB'];

/** A test device that moves data by itself: a real bus master. */
export interface TestDevice {
	/** QEMU's edu (docs/specs/edu.txt). */
	readonly model: 'edu';
	/** Bits of an address that it drives; QEMU cuts off those above, silently. */
	readonly maskBits: number;
}

/** A CMA area of its own, made by a node of the device tree that says `reusable` (reserved-memory.yaml of dt-schema). */
export interface CmaRegion {
	/** The node's name, without its address. */
	readonly name: string;
	readonly sizeMiB: number;
	/** Physical address, MiB; where the kernel likes it, when left out. */
	readonly baseMiB?: number | undefined;
}

/** What guests of an architecture are made of. Data, not switches. */
export interface GuestHardware {
	readonly iommus: readonly Iommu[];
	/** Pages that its processors can have. */
	readonly pageSizesKiB: readonly PageKiB[];
	/** Whether its guests are described by a device tree, which can be added to. */
	readonly deviceTree: boolean;
	/** Where memory begins, MiB. */
	readonly memoryBaseMiB: number;
	/** Below this, MiB from memory's beginning, lie the kernel, its initramfs and its tree. */
	readonly bootMiB: number;
	/** From this much memory on, MiB, only `lowMiB` of it lie below 4 GiB; undefined where memory has no hole. */
	readonly hole: { readonly fromMiB: number; readonly lowMiB: number } | undefined;
}

export const GUEST_HARDWARE = {
	// QEMU, hw/i386/pc_q35.c: pc_q35_init().
	x86_64: {
		iommus: ['intel', 'virtio'],
		pageSizesKiB: [4],
		deviceTree: false,
		memoryBaseMiB: 0,
		bootMiB: 160,
		hole: { fromMiB: 2816, lowMiB: 2048 },
	},
	// QEMU, hw/arm/virt.c: base_memmap; hw/arm/boot.c: arm_setup_direct_kernel_boot().
	arm64: {
		iommus: ['smmuv3', 'virtio'],
		pageSizesKiB: [4, 16, 64],
		deviceTree: true,
		memoryBaseMiB: 1024,
		bootMiB: 160,
		hole: undefined,
	},
} as const satisfies Record<Arch, GuestHardware>;

/** Where a guest's memory lies, each from a physical address to the one behind it, MiB, in order. */
export function memoryRangesMiB(arch: Arch, memoryMiB: number): readonly (readonly [number, number])[] {
	const { memoryBaseMiB, hole }: GuestHardware = GUEST_HARDWARE[arch];
	if (!hole || memoryMiB < hole.fromMiB) return [[memoryBaseMiB, memoryBaseMiB + memoryMiB]];
	return [
		[memoryBaseMiB, memoryBaseMiB + hole.lowMiB],
		[4096, 4096 + memoryMiB - hole.lowMiB],
	];
}

/** Physical address behind a guest's last byte of memory, MiB. */
export function memoryEndMiB(arch: Arch, memoryMiB: number): number {
	return Math.max(...memoryRangesMiB(arch, memoryMiB).map(([, end]) => end));
}
