// SPDX-License-Identifier: MIT
import { mkdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Cache } from '../core/cache.js';
import { usageError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { withLock } from '../core/lock.js';
import { nearest } from '../core/nearest.js';
import type { Progress } from '../core/progress.js';
import { withRoomFor } from './disk-full.js';
import { askGit, git, type Repository } from './git.js';

/** A revision of a repository, resolved. */
export interface Commit {
	readonly id: string;
	/** Object of the kernel's folder in it. */
	readonly tree: string;
}

/** The commit a revision names. @throws usage error with the nearest tag or branch. */
export async function resolveRevision(
	repository: Repository,
	revision: string,
	selector: string,
	signal: AbortSignal,
): Promise<Commit> {
	const ask = (what: string) =>
		askGit(repository.directory, ['rev-parse', '--verify', '--quiet', '--end-of-options', what], signal);
	const id = (await ask(`${revision}^{commit}`))?.trim();
	if (!id) {
		const refs = await askGit(
			repository.directory,
			['for-each-ref', '--count=20000', '--format=%(refname:short)'],
			signal,
		);
		const meant = nearest(
			revision,
			(refs ?? '').split('\n').filter((ref) => ref !== ''),
		);
		throw usageError(
			'REVISION_UNKNOWN',
			`${selector}: ${repository.directory} has no revision "${revision}"`,
			`${meant ? `did you mean ${meant}? ` : ''}accepted: what git rev-parse takes: a commit, a tag, a branch, HEAD~3; fetch it first if it is not there yet`,
		);
	}
	const tree = (await ask(`${id}:${repository.prefix.replace(/\/$/, '')}`))?.trim();
	if (!tree) {
		throw usageError('REVISION_LACKS_TREE', `${selector}: ${repository.prefix} is not in revision "${revision}"`);
	}
	return { id, tree };
}

/** A file's text at a commit, or undefined. @param path below the kernel's folder. */
export async function fileAt(
	repository: Repository,
	commit: Commit,
	path: string,
	signal: AbortSignal,
): Promise<string | undefined> {
	return askGit(repository.directory, ['cat-file', 'blob', `${commit.id}:${repository.prefix}${path}`], signal);
}

/**
 * Has a commit checked out in the cache's one worktree of the repository, and nobody else moving it, while `work`
 * runs. One worktree a repository: going from commit to commit touches only the files that differ, so that the
 * next build is incremental.
 */
export async function withWorktree<T>(
	repository: Repository,
	commit: Commit,
	cache: Cache,
	progress: Progress,
	work: (tree: string) => Promise<T>,
): Promise<T> {
	const { signal } = progress;
	const common = await realpath(repository.commonDirectory);
	const directory = worktreePath(cache, common);
	return withLock(
		cache.workPath('locks', `worktree-${basename(directory)}`),
		async () => {
			await progress.phase(
				'checkout',
				() => withRoomFor(cache.root, () => checkOut(repository, common, commit, directory, signal)),
				commit.id.slice(0, 12),
			);
			await cache.touch('worktrees', basename(directory));
			return work(join(directory, repository.prefix));
		},
		signal,
		() => progress.note('waiting for another run that uses the worktree of the same repository'),
	);
}

/** Where a repository's worktree lies in the cache. */
export function worktreePath(cache: Cache, commonDirectory: string): string {
	const name = basename(commonDirectory) === '.git' ? basename(dirname(commonDirectory)) : basename(commonDirectory);
	return cache.workPath('worktrees', `${name.replace(/[^\w.-]/g, '_')}-${sha256(commonDirectory).slice(0, 12)}`);
}

async function checkOut(
	repository: Repository,
	common: string,
	commit: Commit,
	directory: string,
	signal: AbortSignal,
): Promise<void> {
	const found = (
		await askGit(directory, ['rev-parse', '--path-format=absolute', '--git-common-dir'], signal).catch(() => undefined)
	)?.trim();
	const ours = found !== undefined && (await realpath(found).catch(() => '')) === common;
	if (ours) {
		const moved = await askGit(directory, ['checkout', '--quiet', '--force', '--detach', commit.id], signal);
		if (moved !== undefined) {
			await git(directory, ['clean', '-q', '-ffdx'], signal);
			return;
		}
	}
	await rm(directory, { recursive: true, force: true });
	await mkdir(dirname(directory), { recursive: true });
	await git(repository.directory, ['worktree', 'prune'], signal);
	await git(repository.directory, ['worktree', 'add', '--force', '--detach', directory, commit.id], signal);
}
