// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import type { HoldingKind } from '../core/holding.js';
import { lastingText, parseKernelSelector } from '../core/selector.js';
import { askGit } from './git.js';
import type { Kernel } from './kernel.js';
import { KERNEL_INFO, publishedKernel } from './published.js';

/** A kernel in the cache. */
export interface KeptKernel {
	readonly id: string;
	readonly usedAt: Date;
	readonly kernel: Kernel;
}

/** The kernels in the cache, last used first. Their files are not hashed. */
export async function keptKernels(cache: Cache): Promise<KeptKernel[]> {
	const kept: KeptKernel[] = [];
	for (const entry of await cache.list('kernels')) {
		const info = KERNEL_INFO.safeParse(entry.info);
		if (!info.success) continue;
		kept.push({
			id: entry.id,
			usedAt: entry.usedAt,
			kernel: await publishedKernel(info.data.selector, entry.id, entry),
		});
	}
	return kept;
}

/** Kept kernels that a word names: a selector, a release or the beginning of an id (at least four characters). */
export function matchKept(kept: readonly KeptKernel[], word: string, arches: readonly Arch[]): KeptKernel[] {
	const lasting = keptName(word);
	return kept.filter(
		({ id, kernel }) =>
			arches.includes(kernel.arch) &&
			(kernel.selector === word ||
				kernel.selector === lasting ||
				kernel.release === word ||
				(word.length >= 4 && id.startsWith(word))),
	);
}

/** A selector in the words that the cache keeps; any other word as it is. */
function keptName(word: string): string {
	try {
		return lastingText(parseKernelSelector(word, 'word'));
	} catch {
		return word;
	}
}

/** What this room keeps in the cache. */
export const KERNEL_HOLDINGS: readonly HoldingKind[] = [
	{
		name: 'kernels',
		what: 'kernel',
		again:
			'built again when a run asks for it: some 3 minutes on 2 cores, a debug kernel longer; stock ones are unpacked',
		form: 'entries',
		label: kernelName,
	},
	{
		name: 'packages',
		what: 'package',
		again: 'downloaded again: 15 to 165 MB each',
		form: 'entries',
		label: packageName,
	},
	{ name: 'modules', what: 'module', again: 'built again within seconds', form: 'entries', label: moduleNames },
	{
		name: 'sources',
		what: 'source',
		again: 'unpacked again from its package: some 10 seconds',
		form: 'folders',
		locks: (name) => [`source-${name}`],
	},
	{
		name: 'builds',
		what: 'build folder',
		again: 'the next kernel built there takes minutes, not seconds',
		form: 'folders',
		locks: (name) => [`build-${name}`],
		touched: ['.config'],
	},
	{
		name: 'worktrees',
		what: 'worktree',
		again: 'checked out again: some 10 seconds, and the next build there takes minutes',
		form: 'folders',
		locks: (name) => [`worktree-${name}`],
		beforeRemoval: forgetWorktree,
	},
	{
		name: 'patched',
		what: 'view of a source with our patches',
		again: 'linked again at once, and the next build there takes minutes',
		form: 'folders',
		locks: (name) => [`build-${name}`],
	},
	{
		name: 'module-builds',
		what: 'build folder of a module',
		again: 'built again within seconds',
		form: 'folders',
		locks: (name) => [moduleBuildLock(name)],
	},
	{
		name: 'apt',
		what: 'package indexes',
		again: 'downloaded again: some 100 MB',
		form: 'folder',
		locks: () => ['apt'],
	},
	{
		name: 'bisect',
		what: 'repository for trying out a bisect',
		again: 'made again by scripts/bisect-repository.mjs within a minute',
		form: 'folders',
		locks: () => ['bisect-*'],
		touched: ['.git/index', '.git/HEAD'],
	},
	{
		name: 'recipes',
		what: 'notes on which kernel a recipe makes',
		again: 'each kernel is configured once more: seconds',
		form: 'files',
	},
	{
		name: 'estimates',
		what: 'notes on how long things take',
		again: 'progress and the order of jobs are guessed until they are measured again',
		form: 'files',
	},
];

/** Held while a module is built in its folder of `module-builds`. */
export function moduleBuildLock(folder: string): string {
	return `module-build-${folder}`;
}

function kernelName(info: unknown): string {
	const parsed = KERNEL_INFO.safeParse(info);
	if (!parsed.success) return '';
	const { selector, arch, release } = parsed.data;
	return `${selector} ${arch} ${release ?? ''}`.trim();
}

function packageName(info: unknown): string {
	if (typeof info !== 'object' || info === null) return '';
	if ('name' in info && 'version' in info) return `${String(info.name)} ${String(info.version)}`;
	return 'modulesOf' in info ? `modules of ${String(info.modulesOf).slice(0, 12)}` : '';
}

function moduleNames(info: unknown): string {
	const named = typeof info === 'object' && info !== null && 'modules' in info && Array.isArray(info.modules);
	return named ? (info.modules as unknown[]).join(' ') : '';
}

/** The repository of a worktree keeps a record of it, which goes when the worktree is gone. */
async function forgetWorktree(path: string, signal: AbortSignal): Promise<() => Promise<void>> {
	const pointer = await readFile(join(path, '.git'), 'utf8').catch(() => '');
	const repository = /^gitdir: (.+)\/worktrees\/[^/]+$/m.exec(pointer.trim())?.[1];
	return async () => {
		if (repository && basename(repository) !== '') await askGit(repository, ['worktree', 'prune'], signal);
	};
}
