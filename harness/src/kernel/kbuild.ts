// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';

/** What kbuild calls an architecture, and what it makes for it. */
export interface KbuildTarget {
	/** Folder below arch/. */
	readonly folder: string;
	/** Make target of the image QEMU boots. */
	readonly target: string;
	/** That image, below the build folder. */
	readonly image: string;
	/** The image is an ELF file, to be stripped of what does not get loaded. */
	readonly strip: boolean;
	/** About how many lines kbuild prints when it builds the conformance profile, until a build has counted them. */
	readonly typicalSteps: number;
}

export const KBUILD = {
	// The ELF file by its PVH note: no decompressing, half the time to the first message of a bzImage.
	x86_64: { folder: 'x86', target: 'vmlinux', image: 'vmlinux', strip: true, typicalSteps: 1400 },
	arm64: { folder: 'arm64', target: 'Image', image: 'arch/arm64/boot/Image', strip: false, typicalSteps: 1050 },
} as const satisfies Record<Arch, KbuildTarget>;
