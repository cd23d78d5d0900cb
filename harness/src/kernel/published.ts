// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ARCHES } from '../core/architectures.js';
import type { CacheEntry } from '../core/cache.js';
import { infrastructureError } from '../core/errors.js';
import { parseRelease } from '../core/release.js';
import { parseConfig } from './config.js';
import type { Kernel } from './kernel.js';

/** What the cache keeps of a kernel beside its files `image`, `config` and `modules/`. */
export const KERNEL_INFO = z.object({
	arch: z.enum(ARCHES),
	/** The selector it was first resolved for, its path absolute: for people who look into the cache, from anywhere. */
	selector: z.string(),
	release: z.string().optional(),
	hasConfig: z.boolean(),
	hasModules: z.boolean(),
	/** kbuild output folder it was built in; it may have moved on since. */
	output: z.string().optional(),
	/** The package of a stock kernel, and the version that was asked for. */
	stock: z.object({ name: z.string(), version: z.string(), upstream: z.string() }).optional(),
	provenance: z.array(z.string()),
});
export type KernelInfo = z.infer<typeof KERNEL_INFO>;

/** File of a build folder that names the kernel last completed in it. */
export const BUILT_MARK = '.fencepost-built';

/**
 * A kernel from its cache entry.
 * @param more what is known about it this time, beside what was known when it was made
 * @param output where it would be built this time, if not where it was made
 */
export async function publishedKernel(
	selector: string,
	id: string,
	entry: CacheEntry,
	more: readonly string[] = [],
	output?: string,
): Promise<Kernel> {
	const parsed = KERNEL_INFO.safeParse(entry.info);
	if (!parsed.success) {
		throw infrastructureError('CACHE_UNREADABLE', `${entry.path} is not a kernel's cache entry`, {
			hint: 'run: fencepost cache prune --kind kernels --all',
			cause: parsed.error,
		});
	}
	const info = parsed.data;
	return {
		selector,
		id,
		arch: info.arch,
		release: info.release,
		version: info.release === undefined ? undefined : parseRelease(info.release),
		image: join(entry.path, 'image'),
		config: info.hasConfig ? parseConfig(await readFile(join(entry.path, 'config'), 'utf8')) : undefined,
		modulesRoot: info.hasModules ? join(entry.path, 'modules') : undefined,
		buildDirectory: (await currentOutput(output, id)) ?? (await currentOutput(info.output, id)),
		provenance: [...info.provenance, ...more],
	};
}

/** The build folder, if what it holds is still this kernel and its source is there. */
async function currentOutput(output: string | undefined, id: string): Promise<string | undefined> {
	return output !== undefined && (await isBuiltIn(output, id)) ? output : undefined;
}

/** Whether a build folder holds a kernel, complete and with its source. */
export async function isBuiltIn(output: string, id: string): Promise<boolean> {
	const mark = await readFile(join(output, BUILT_MARK), 'utf8').catch(() => '');
	if (mark !== id) return false;
	return stat(join(output, 'source', 'Makefile')).then(
		() => true,
		() => false,
	);
}
