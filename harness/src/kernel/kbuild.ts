// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import type { Config } from './config.js';

/** An image that QEMU boots, as kbuild makes it. */
export interface KbuildImage {
	/** Only for kernels that have this option. */
	readonly when?: string;
	readonly target: string;
	/** Below the build folder. */
	readonly file: string;
	/** An ELF file, to be stripped of what does not get loaded. */
	readonly strip: boolean;
}

/** What kbuild calls an architecture, and what it makes for it. */
export interface KbuildTarget {
	/** Folder below arch/. */
	readonly folder: string;
	/** The first that the config admits is taken. */
	readonly images: readonly [KbuildImage, ...KbuildImage[]];
	/** About how many lines kbuild prints when it builds the conformance profile, until a build has counted them. */
	readonly typicalSteps: number;
}

export const KBUILD: Readonly<Record<Arch, KbuildTarget>> = {
	x86_64: {
		folder: 'x86',
		images: [
			// The PVH entry runs C code before KASAN has its shadow memory: where gcc calls memcmp there instead of
			// expanding it (6.12 with -Os, in cpuid_base_hypervisor), the kernel dies before its first message.
			{ when: 'CONFIG_KASAN', target: 'bzImage', file: 'arch/x86/boot/bzImage', strip: false },
			// By its PVH note: no decompressing, half the time to the first message of a bzImage.
			{ target: 'vmlinux', file: 'vmlinux', strip: true },
		],
		typicalSteps: 1400,
	},
	arm64: {
		folder: 'arm64',
		images: [{ target: 'Image', file: 'arch/arm64/boot/Image', strip: false }],
		typicalSteps: 1050,
	},
};

/** The image to make and boot of a kernel with this config. */
export function kernelImage(arch: Arch, config: Config): KbuildImage {
	const { images } = KBUILD[arch];
	return images.find(({ when }) => when === undefined || config.has(when)) ?? images[0];
}
