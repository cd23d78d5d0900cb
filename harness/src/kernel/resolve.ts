// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import type { Progress } from '../core/progress.js';
import type { KernelSelector } from '../core/selector.js';
import { loadCatalogue } from './catalogue.js';
import { resolveDebian } from './debian.js';
import { resolveFile } from './file.js';
import type { Kernel } from './kernel.js';
import { resolveSource } from './source.js';
import { resolveTree } from './tree.js';

export interface KernelContext {
	readonly cache: Cache;
	readonly progress: Progress;
	/** Root of the project, which holds `kernels/`. */
	readonly projectRoot: string;
	/** A user's modules are to be built against the kernel: its build folder must be there, and export what they use. */
	readonly forModules?: boolean | undefined;
	/** Its build folder must be there, as `forModules` implies; the kernel stays what it is without. */
	readonly withBuildFolder?: boolean | undefined;
}

/**
 * Turns a selector into a kernel that can be booted: fetches, builds or reads it, whatever it takes, and nothing
 * that is in the cache already. @throws FencepostError: usage (no such version, tree, option), kernel (it does
 * not build), infrastructure (no mirror, no tool, no room).
 */
export async function resolveKernel(selector: KernelSelector, arch: Arch, context: KernelContext): Promise<Kernel> {
	const catalogue = await loadCatalogue(context.projectRoot);
	const forModules = context.forModules ?? false;
	const withBuildFolder = forModules || (context.withBuildFolder ?? false);
	const wanted = { ...context, catalogue, forModules, withBuildFolder };
	switch (selector.kind) {
		case 'source':
			return resolveSource(selector, arch, wanted);
		case 'tree':
			return resolveTree(selector, arch, wanted);
		case 'debian':
			return resolveDebian(selector, arch, wanted);
		case 'file':
			return resolveFile(selector, arch, context);
	}
}
