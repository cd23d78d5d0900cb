// SPDX-License-Identifier: MIT
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { run } from '../core/process.js';
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
	return kept.filter(
		({ id, kernel }) =>
			arches.includes(kernel.arch) &&
			(kernel.selector === word || kernel.release === word || (word.length >= 4 && id.startsWith(word))),
	);
}

/** Something in the cache that takes room and can be made or fetched again. */
export interface Prunable {
	readonly what: string;
	readonly name: string;
	readonly usedAt: Date;
	readonly bytes: number;
	readonly remove: () => Promise<void>;
}

/** Everything of this room's in the cache: kernels, packages, sources, build folders and worktrees. */
export async function listPrunable(cache: Cache, signal: AbortSignal): Promise<Prunable[]> {
	const found: Omit<Prunable, 'bytes'>[] = [];
	const paths: string[] = [];
	const add = (path: string, prunable: Omit<Prunable, 'bytes'>) => {
		paths.push(path);
		found.push(prunable);
	};
	for (const [kind, what] of ENTRY_KINDS) {
		for (const entry of await cache.list(kind)) {
			const info = KERNEL_INFO.safeParse(entry.info);
			const name = info.success
				? `${info.data.selector} ${info.data.arch} ${info.data.release ?? ''}`.trim()
				: packageName(entry.info);
			add(entry.path, {
				what,
				name: `${name} (${entry.id.slice(0, 12)})`,
				usedAt: entry.usedAt,
				remove: () => cache.remove(kind, entry.id),
			});
		}
	}
	for (const [folder, what] of WORK_FOLDERS) {
		const parent = cache.workPath(folder);
		for (const entry of await readdir(parent, { withFileTypes: true }).catch(() => [])) {
			if (!entry.isDirectory()) continue;
			const path = join(parent, entry.name);
			if (folder === 'tmp' && Date.now() - (await lastUse(path)).getTime() < LEFTOVER_AFTER_MS) continue;
			add(path, { what, name: entry.name, usedAt: await lastUse(path), remove: () => removeFolder(path, signal) });
		}
	}
	const sizes = await diskUse(paths, signal);
	return found.map((prunable, index) => ({ ...prunable, bytes: sizes.get(paths[index] ?? '') ?? 0 }));
}

const ENTRY_KINDS = [
	['kernels', 'kernel'],
	['packages', 'package'],
	['modules', 'module'],
] as const;

const WORK_FOLDERS = [
	['sources', 'source'],
	['builds', 'build folder'],
	['worktrees', 'worktree'],
	['patched', 'links to a source that is built with patches'],
	['module-builds', 'build folder of a module'],
	['bisect', 'repository for trying out a bisect'],
	['tmp', 'leftover of a run that was killed'],
] as const;

/** A folder of unfinished work that is younger may belong to a run that goes on. */
const LEFTOVER_AFTER_MS = 24 * 60 * 60 * 1000;

function packageName(info: unknown): string {
	if (typeof info !== 'object' || info === null) return 'unknown';
	if ('name' in info && 'version' in info) return `${String(info.name)} ${String(info.version)}`;
	if ('modules' in info && Array.isArray(info.modules)) return info.modules.join(' ');
	return 'modulesOf' in info ? `modules of ${String(info.modulesOf).slice(0, 12)}` : 'unknown';
}

/** A source's stamp is touched, a build folder's config written, whenever it is used. */
async function lastUse(path: string): Promise<Date> {
	const times = await Promise.all(
		[path, `${path}.json`, join(path, '.config')].map((file) =>
			stat(file).then(
				(facts) => facts.mtimeMs,
				() => 0,
			),
		),
	);
	return new Date(Math.max(...times));
}

async function removeFolder(path: string, signal: AbortSignal): Promise<void> {
	const pointer = await readFile(join(path, '.git'), 'utf8').catch(() => '');
	await rm(path, { recursive: true, force: true });
	await rm(`${path}.json`, { force: true });
	// The repository of a worktree keeps a record of it.
	const repository = /^gitdir: (.+)\/worktrees\/[^/]+$/m.exec(pointer.trim())?.[1];
	if (repository && basename(repository) !== '') await askGit(repository, ['worktree', 'prune'], signal);
}

/** Bytes on disk below each path. */
async function diskUse(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
	if (paths.length === 0) return new Map();
	const { stdout } = await run('du', ['--summarize', '--block-size=1', '--', ...paths], {
		signal,
		package: 'coreutils',
		accept: [0, 1],
	});
	return new Map(
		stdout
			.split('\n')
			.filter((line) => line.includes('\t'))
			.map((line) => [line.slice(line.indexOf('\t') + 1), Number(line.slice(0, line.indexOf('\t')))] as const),
	);
}
