// SPDX-License-Identifier: MIT
import { realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { infrastructureError, usageError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import type { Progress } from '../core/progress.js';
import { absoluteSelector, type KernelSelector, lastingText } from '../core/selector.js';
import { type Catalogue, fragmentFiles } from './catalogue.js';
import { findRepository } from './git.js';
import type { Kernel } from './kernel.js';
import { makefileRelease, notKernelTree, readTreeRelease, refuseConfiguredTree } from './kernel-tree.js';
import { loadPatches } from './patch.js';
import { buildKernel } from './recipe.js';
import { identifyTree } from './tree-id.js';
import { fileAt, resolveRevision, withWorktree, worktreePath } from './worktree.js';

type TreeSelector = Extract<KernelSelector, { kind: 'tree' }>;

export interface TreeContext {
	readonly cache: Cache;
	readonly progress: Progress;
	readonly projectRoot: string;
	readonly catalogue: Catalogue;
	readonly forModules: boolean;
	readonly withBuildFolder: boolean;
}

/** A kernel built from a source tree of the user's, which is never written to. */
export async function resolveTree(selector: TreeSelector, arch: Arch, context: TreeContext): Promise<Kernel> {
	const { path, revision } = await locate(selector);
	return revision === undefined
		? resolveWorkingTree(selector, path, arch, context)
		: resolveCommit(selector, path, revision, arch, context);
}

/** The folder and revision meant: an `@` may be part of the path. @throws usage error when there is no such folder. */
async function locate(selector: TreeSelector): Promise<{ path: string; revision: string | undefined }> {
	const isFolder = (path: string) =>
		stat(path).then(
			(facts) => facts.isDirectory(),
			() => false,
		);
	const { path } = absoluteSelector(selector);
	const whole = selector.revision === undefined ? path : `${path}@${selector.revision}`;
	if (selector.revision !== undefined && (await isFolder(whole)))
		return { path: await realpath(whole), revision: undefined };
	if (await isFolder(path)) return { path: await realpath(path), revision: selector.revision };
	throw usageError('TREE_MISSING', `${selector.text}: no folder ${path}`, 'accepted: tree:PATH or tree:PATH@REVISION');
}

const buildName = (tree: string, arch: Arch, profile: string) =>
	`tree-${basename(tree).replace(/[^\w.-]/g, '_')}-${sha256(tree).slice(0, 12)}-${arch}-${profile}`;

async function resolveWorkingTree(
	selector: TreeSelector,
	tree: string,
	arch: Arch,
	context: TreeContext,
): Promise<Kernel> {
	const { cache, progress, catalogue, projectRoot } = context;
	const release = await readTreeRelease(tree, selector.text);
	await refuseConfiguredTree(tree, selector.text);
	const fragments = fragmentFiles(catalogue, projectRoot, selector.profile, arch);
	const identity = await identifyTree(tree, progress.signal);
	return buildKernel(
		{
			selector: selector.text,
			lasting: lastingText(selector),
			arch,
			profile: selector.profile,
			fragments,
			sourceId: identity.sourceId,
			release,
			// A module may need what the tree does not offer.
			patches: await loadPatches(projectRoot, { release, profile: selector.profile, asItIs: !context.forModules }),
			withBuildFolder: context.withBuildFolder,
			buildName: buildName(tree, arch, selector.profile),
			provenance: [identity.description],
			withSource: (use) => use(tree),
			checkSource: async () => {
				if ((await identifyTree(tree, progress.signal)).sourceId === identity.sourceId) return;
				throw infrastructureError('TREE_CHANGED', `${selector.text}: the tree changed while it was being built`, {
					hint: 'run again: what is built already is kept; or name a commit with @REVISION',
				});
			},
		},
		cache,
		progress,
	);
}

async function resolveCommit(
	selector: TreeSelector,
	path: string,
	revision: string,
	arch: Arch,
	context: TreeContext,
): Promise<Kernel> {
	const { cache, progress, catalogue, projectRoot } = context;
	const { signal } = progress;
	const repository = await findRepository(path, signal);
	if (!repository) {
		throw usageError(
			'TREE_NOT_GIT',
			`${selector.text}: ${path} is not in a git repository, so it has no revision "${revision}"`,
			`accepted: tree:${selector.path} for the tree as it is`,
		);
	}
	const commit = await resolveRevision(repository, revision, selector.text, signal);
	const makefile = await fileAt(repository, commit, 'Makefile', signal);
	const release = makefile === undefined ? undefined : makefileRelease(makefile);
	if (!release || (await fileAt(repository, commit, 'Kconfig', signal)) === undefined) {
		throw notKernelTree(
			selector.text,
			`${path} at ${revision}`,
			release ? 'no Kconfig' : 'no Makefile with VERSION and PATCHLEVEL',
		);
	}
	const fragments = fragmentFiles(catalogue, projectRoot, selector.profile, arch);
	const tree = join(worktreePath(cache, await realpath(repository.commonDirectory)), repository.prefix);
	return buildKernel(
		{
			selector: selector.text,
			lasting: lastingText(selector),
			arch,
			profile: selector.profile,
			fragments,
			sourceId: `git ${commit.tree}`,
			release,
			// A module may need what the tree does not offer.
			patches: await loadPatches(projectRoot, { release, profile: selector.profile, asItIs: !context.forModules }),
			withBuildFolder: context.withBuildFolder,
			buildName: buildName(tree, arch, selector.profile),
			provenance: [`tree ${path} at ${commit.id.slice(0, 12)} (${revision})`],
			withSource: (use) => withWorktree(repository, commit, cache, progress, use),
		},
		cache,
		progress,
	);
}
