// SPDX-License-Identifier: MIT
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { FencepostError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import { withLock } from '../core/lock.js';
import type { Progress } from '../core/progress.js';
import type { Release } from '../core/release.js';
import { compile, installImage, installModules } from './compile.js';
import { type Config, normalizeConfig } from './config.js';
import { configure, readFragments } from './configure.js';
import { withRoomFor } from './disk-full.js';
import type { AskedOption } from './fragment.js';
import type { Kernel } from './kernel.js';
import type { BuildPlace } from './make.js';
import { BUILT_MARK, type KernelInfo, publishedKernel } from './published.js';
import { findToolchain, type Toolchain } from './toolchain.js';

/** Changes when the way kernels are built here changes what comes out. */
const RECIPE_VERSION = '1';

/** Everything that decides what a built kernel is. */
export interface Recipe {
	readonly selector: string;
	readonly arch: Arch;
	readonly profile: string;
	readonly fragments: readonly string[];
	/** Names the exact source: a package's hash, or a commit and what differs from it. */
	readonly sourceId: string;
	readonly release: Release;
	/** Name of the build folder: kernels that share it are built one upon the other. */
	readonly buildName: string;
	readonly provenance: readonly string[];
	/** Puts the source in place and keeps it so while it is used; called only when something must be built. */
	readonly withSource: <T>(use: (source: string) => Promise<T>) => Promise<T>;
	/** Asked when the build has ended, for sources that others may change meanwhile. @throws when it did change. */
	readonly checkSource?: () => Promise<void>;
}

/**
 * The kernel a recipe makes: from the cache, or built. What was asked for leads to the kernel's id through a
 * memo, so that a kernel that is there is found without touching source or compiler.
 */
export async function buildKernel(recipe: Recipe, cache: Cache, progress: Progress): Promise<Kernel> {
	const options = await readFragments(recipe.fragments);
	const toolchain = await findToolchain(recipe.arch, progress.signal);
	const memo = cache.workPath(
		'recipes',
		contentId({
			source: recipe.sourceId,
			arch: recipe.arch,
			options: JSON.stringify(options.map(({ where: _, ...option }) => option)),
			toolchain: toolchain.version,
			version: RECIPE_VERSION,
		}),
	);
	const known = await remembered(memo, recipe, cache, progress);
	if (known) return known;
	const output = cache.workPath('builds', recipe.buildName);
	return withLock(
		cache.workPath('locks', `build-${recipe.buildName}`),
		async () => {
			const meanwhile = await remembered(memo, recipe, cache, progress);
			if (meanwhile) return meanwhile;
			return recipe.withSource((source) =>
				buildFrom(recipe, source, { options, toolchain, output, memo }, cache, progress),
			);
		},
		progress.signal,
		() => progress.note(`waiting for another run that builds ${recipe.buildName}`),
	);
}

interface Plan {
	readonly options: readonly AskedOption[];
	readonly toolchain: Toolchain;
	readonly output: string;
	/** File that leads from what was asked to the id of what came out. */
	readonly memo: string;
}

async function buildFrom(
	recipe: Recipe,
	source: string,
	plan: Plan,
	cache: Cache,
	progress: Progress,
): Promise<Kernel> {
	const { options, toolchain, output, memo } = plan;
	const place = { arch: recipe.arch, source, output, toolchain, cacheRoot: cache.root, signal: progress.signal };
	const config = await progress.phase('configure', () =>
		withRoomFor(cache.root, () => configure(place, options, recipe.release)),
	);
	const id = contentId({
		source: recipe.sourceId,
		arch: recipe.arch,
		config: normalizeConfig(config),
		toolchain: toolchain.version,
		version: RECIPE_VERSION,
	});
	const entry = await cache.entry('kernels', id, progress, (directory) =>
		withRoomFor(cache.root, () => build(recipe, place, config, id, directory, cache, progress)),
	);
	await mkdir(dirname(memo), { recursive: true });
	await writeFile(`${memo}.new`, id);
	await rename(`${memo}.new`, memo);
	return publishedKernel(recipe.selector, id, entry, recipe.provenance);
}

async function remembered(memo: string, recipe: Recipe, cache: Cache, progress: Progress): Promise<Kernel | undefined> {
	const id = (await readFile(memo, 'utf8').catch(() => '')).trim();
	if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
	const entry = await cache.lookup('kernels', id, progress);
	return entry && publishedKernel(recipe.selector, id, entry, recipe.provenance);
}

async function build(
	recipe: Recipe,
	place: BuildPlace,
	config: Config,
	id: string,
	directory: string,
	cache: Cache,
	progress: Progress,
): Promise<KernelInfo> {
	const mark = join(place.output, BUILT_MARK);
	await rm(mark, { force: true });
	try {
		const series = recipe.release.slice(0, 2).join('.');
		await compile(place, config, `${series}-${recipe.arch}-${recipe.profile}`, cache, progress);
	} catch (error) {
		// Somebody who edits while it builds gets an error of a kernel that never was: say that first.
		if (error instanceof FencepostError && error.blame === 'kernel') await recipe.checkSource?.();
		throw error;
	}
	await installImage(place, config, join(directory, 'image'), progress);
	await copyFile(join(place.output, '.config'), join(directory, 'config'));
	const hasModules = await installModules(place, join(directory, 'modules'));
	const release = (await readFile(join(place.output, 'include', 'config', 'kernel.release'), 'utf8')).trim();
	await recipe.checkSource?.();
	await writeFile(mark, id);
	return {
		arch: recipe.arch,
		selector: recipe.selector,
		release,
		hasConfig: true,
		hasModules,
		output: place.output,
		provenance: [`built by ${place.toolchain.version}`, `profile ${recipe.profile}`],
	};
}
