// SPDX-License-Identifier: MIT
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { FencepostError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import { withLock } from '../core/lock.js';
import type { Progress } from '../core/progress.js';
import type { Release } from '../core/release.js';
import { touchBuild } from './build-use.js';
import { compile, installImage, installModules } from './compile.js';
import { type Config, normalizeConfig } from './config.js';
import { ANSWERS, configure, readFragments } from './configure.js';
import { rememberConfigured } from './configured.js';
import { withRoomFor } from './disk-full.js';
import type { AskedOption } from './fragment.js';
import type { Kernel } from './kernel.js';
import type { BuildPlace } from './make.js';
import { type KernelPatch, patchesId } from './patch.js';
import { patchedSource } from './patched-source.js';
import { BUILT_MARK, isBuiltIn, type KernelInfo, publishedKernel } from './published.js';
import { findToolchain, type Toolchain } from './toolchain.js';

/** Changes when the way kernels are built here changes what comes out. */
const RECIPE_VERSION = '1';

/** Everything that decides what a built kernel is. */
export interface Recipe {
	readonly selector: string;
	/** The selector in words that mean the same from anywhere: the cache keeps them. */
	readonly lasting: string;
	readonly arch: Arch;
	readonly profile: string;
	readonly fragments: readonly string[];
	/** Names the exact source: a package's hash, or a commit and what differs from it. */
	readonly sourceId: string;
	readonly release: Release;
	/** Our patches for this release; those that the source does not need are left out. */
	readonly patches: readonly KernelPatch[];
	/** Name of the build folder: kernels that share it are built one upon the other. */
	readonly buildName: string;
	/** The build folder must hold this kernel in the end, for modules to be built against it. */
	readonly withBuildFolder: boolean;
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
export async function buildKernel(asked: Recipe, cache: Cache, progress: Progress): Promise<Kernel> {
	const recipe = patchedRecipe(asked);
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
	const output = cache.workPath('builds', recipe.buildName);
	const known = await remembered(memo, output, recipe, cache, progress);
	if (known) return known;
	return withBuildLock(
		recipe.buildName,
		async () => {
			const meanwhile = await remembered(memo, output, recipe, cache, progress);
			if (meanwhile) return meanwhile;
			return recipe.withSource((source) =>
				buildFrom(recipe, source, { options, toolchain, output, memo }, cache, progress),
			);
		},
		cache,
		progress,
	);
}

/** Has a build folder to itself while `work` runs. */
export function withBuildLock<T>(
	buildName: string,
	work: () => Promise<T>,
	cache: Cache,
	progress: Progress,
): Promise<T> {
	return withLock(
		cache.workPath('locks', `build-${buildName}`),
		async () => {
			await touchBuild(cache, buildName);
			return work();
		},
		progress.signal,
		() => progress.note(`waiting for another run that builds in ${buildName}`),
	);
}

/** A patched kernel is another kernel, and its build folder another: the paths of its source differ. */
function patchedRecipe(recipe: Recipe): Recipe {
	const id = patchesId(recipe.patches);
	if (id === undefined) return recipe;
	return {
		...recipe,
		sourceId: `${recipe.sourceId} patched ${id}`,
		buildName: `${recipe.buildName}-patched-${id.slice(0, 8)}`,
	};
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
	const view = cache.workPath('patched', recipe.buildName);
	const { path, applied } = await patchedSource(source, recipe.patches, view, cache, progress.signal);
	const place = { arch: recipe.arch, source: path, output, toolchain, cacheRoot: cache.root, signal: progress.signal };
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
		withRoomFor(cache.root, () => build(recipe, place, applied, config, id, directory, cache, progress)),
	);
	if (recipe.withBuildFolder && !(await isBuiltIn(output, id))) {
		progress.note(
			`what was built of ${recipe.selector} is no longer in its build folder: building it again, for modules`,
		);
		await withRoomFor(cache.root, () => compileMarked(recipe, place, config, id, cache, progress));
	}
	await mkdir(dirname(memo), { recursive: true });
	await writeFile(`${memo}.new`, id);
	await rename(`${memo}.new`, memo);
	return publishedKernel(recipe.selector, id, entry, recipe.provenance, output);
}

async function remembered(
	memo: string,
	output: string,
	recipe: Recipe,
	cache: Cache,
	progress: Progress,
): Promise<Kernel | undefined> {
	const id = (await readFile(memo, 'utf8').catch(() => '')).trim();
	if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
	const entry = await cache.lookup('kernels', id, progress);
	const kernel = entry && (await publishedKernel(recipe.selector, id, entry, recipe.provenance, output));
	if (!recipe.withBuildFolder || kernel?.buildDirectory === undefined)
		return recipe.withBuildFolder ? undefined : kernel;
	await touchBuild(cache, basename(kernel.buildDirectory));
	return kernel;
}

async function build(
	recipe: Recipe,
	place: BuildPlace,
	patches: readonly KernelPatch[],
	config: Config,
	id: string,
	directory: string,
	cache: Cache,
	progress: Progress,
): Promise<KernelInfo> {
	await compileMarked(recipe, place, config, id, cache, progress);
	await installImage(place, config, join(directory, 'image'), progress);
	await copyFile(join(place.output, '.config'), join(directory, 'config'));
	const hasModules = await installModules(place, join(directory, 'modules'));
	const release = (await readFile(join(place.output, 'include', 'config', 'kernel.release'), 'utf8')).trim();
	return {
		arch: recipe.arch,
		selector: recipe.lasting,
		release,
		hasConfig: true,
		hasModules,
		output: place.output,
		provenance: [
			`built by ${place.toolchain.version}`,
			`profile ${recipe.profile}`,
			...patches.map(({ name, does }) => `patch ${name}: ${does}`),
		],
	};
}

/** Builds, and leaves the mark by which the folder is known to hold this kernel. */
async function compileMarked(
	recipe: Recipe,
	place: BuildPlace,
	config: Config,
	id: string,
	cache: Cache,
	progress: Progress,
): Promise<void> {
	const mark = join(place.output, BUILT_MARK);
	await rm(mark, { force: true });
	const series = recipe.release.slice(0, 2).join('.');
	try {
		await compile(place, config, `${series}-${recipe.arch}-${recipe.profile}`, cache, progress);
	} catch (error) {
		// Somebody who edits while it builds gets an error of a kernel that never was: say that first.
		if (error instanceof FencepostError && error.blame === 'kernel') await recipe.checkSource?.();
		throw error;
	}
	await recipe.checkSource?.();
	await rememberConfigured(place, await readFile(join(place.output, ANSWERS), 'utf8'));
	await writeFile(mark, id);
}
