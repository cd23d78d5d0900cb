// SPDX-License-Identifier: MIT

export const ARCHES = ['x86_64', 'arm64'] as const;
export type Arch = (typeof ARCHES)[number];

/** What an architecture is called by whom. One record an architecture; nothing else switches on the name. */
export interface ArchitectureNames {
	readonly arch: Arch;
	/** Debian's architecture, as in package names. */
	readonly debian: string;
	/** kbuild's ARCH=. */
	readonly kbuild: string;
	/** kbuild's CROSS_COMPILE= where the host is another architecture: the GNU triplet and a dash. */
	readonly crossPrefix: string;
	/** Debian package of the cross compiler. */
	readonly crossCompilerPackage: string;
	/** Node's process.arch of a host that runs its programs natively. */
	readonly node: string;
	/** e_machine of its ELF files (elf(5)). */
	readonly elfMachine: number;
	/** Its 32-bit programs, which its kernels run where they have CONFIG_COMPAT. */
	readonly compat: {
		readonly name: string;
		/** Debian's architecture. */
		readonly debian: string;
		readonly elfMachine: number;
	};
}

export const ARCHITECTURES = {
	x86_64: {
		arch: 'x86_64',
		debian: 'amd64',
		kbuild: 'x86_64',
		crossPrefix: 'x86_64-linux-gnu-',
		crossCompilerPackage: 'gcc-x86-64-linux-gnu',
		node: 'x64',
		elfMachine: 62,
		compat: { name: 'i386', debian: 'i386', elfMachine: 3 },
	},
	arm64: {
		arch: 'arm64',
		debian: 'arm64',
		kbuild: 'arm64',
		crossPrefix: 'aarch64-linux-gnu-',
		crossCompilerPackage: 'gcc-aarch64-linux-gnu',
		node: 'arm64',
		elfMachine: 183,
		compat: { name: '32-bit arm', debian: 'armhf', elfMachine: 40 },
	},
} as const satisfies Record<Arch, ArchitectureNames>;

/** The architecture whose programs this host runs natively, or undefined on a host of another kind. */
export const hostArch: Arch | undefined = ARCHES.find((arch) => ARCHITECTURES[arch].node === process.arch);

/** `aarch64-linux-gnu-` when `arch` needs a cross compiler on this host, empty when it does not. */
export function toolPrefix(arch: Arch): string {
	return arch === hostArch ? '' : ARCHITECTURES[arch].crossPrefix;
}
