// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import type { Release } from '../core/release.js';

/** A bootable kernel and everything known about it. */
export interface Kernel {
	/** The selector as it was written: results are keyed by it. */
	readonly selector: string;
	/** Hash of all that went in: source, config, compiler, patches; for a file, of the file. */
	readonly id: string;
	readonly arch: Arch;
	/** What `uname -r` will say, where it can be known without booting. */
	readonly release: string | undefined;
	readonly version: Release | undefined;
	/** File QEMU's -kernel takes: stripped vmlinux with a PVH note, bzImage, or Image. */
	readonly image: string;
	/** `CONFIG_X` to its value (`y`, `m`, a number, a string with its quotes); undefined when no config came with it. */
	readonly config: ReadonlyMap<string, string> | undefined;
	/** Folder that holds `lib/modules/RELEASE`, when there are modules. */
	readonly modulesRoot: string | undefined;
	/** kbuild output folder to build modules against, when it was built here or its headers were asked for. */
	readonly buildDirectory: string | undefined;
	/** Why there is none although it was asked for. */
	readonly whyNoBuildDirectory?: string | undefined;
	/** Things a reader of the results must know: package and version, patches applied. */
	readonly provenance: readonly string[];
}
