// SPDX-License-Identifier: MIT
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/errors.js';
import { contentId, sha256, sha256File } from '../core/hash.js';
import { askGit, findRepository, git } from './git.js';
import { listingDigest } from './pristine-source.js';

/** What names the exact content of a working tree, and how people would say it. */
export interface TreeIdentity {
	readonly sourceId: string;
	readonly description: string;
}

/**
 * Names the content of a kernel tree: by its commit's tree and the content of what differs from it in a git
 * repository, by every file's size and time elsewhere. Nothing is written to the tree, not even git's index.
 */
export async function identifyTree(tree: string, signal: AbortSignal): Promise<TreeIdentity> {
	const repository = await findRepository(tree, signal);
	const object = repository && (await askGit(tree, ['rev-parse', '--verify', '--quiet', 'HEAD:./'], signal))?.trim();
	if (!object) return { sourceId: `listing ${await listingDigest(tree, signal)}`, description: `tree ${tree}` };
	const commit = (await git(tree, ['rev-parse', '--short=12', 'HEAD'], signal)).trim();
	const changed = new Set([
		...splitNul(
			await git(tree, ['diff', '--name-only', '-z', '--relative', '--no-renames', 'HEAD', '--', '.'], signal),
		),
		...splitNul(await git(tree, ['ls-files', '-z', '--others', '--exclude-standard', '--', '.'], signal)),
	]);
	const contents: Record<string, string> = {};
	for (const path of [...changed].sort()) {
		signal.throwIfAborted();
		contents[path] = await contentOf(join(tree, path));
	}
	const differs = changed.size === 0 ? '' : ` and ${changed.size} changed ${changed.size === 1 ? 'file' : 'files'}`;
	return {
		sourceId: changed.size === 0 ? `git ${object}` : `git ${object} ${contentId(contents)}`,
		description: `tree ${tree} at ${commit}${differs}`,
	};
}

async function contentOf(path: string): Promise<string> {
	try {
		const facts = await lstat(path);
		if (facts.isSymbolicLink()) return `link ${sha256(await readlink(path))}`;
		if (!facts.isFile()) return 'other';
		return `${facts.mode & 0o111 ? 'program' : 'file'} ${await sha256File(path)}`;
	} catch (error) {
		if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return 'deleted';
		throw error;
	}
}

const splitNul = (text: string) => text.split('\0').filter((part) => part !== '');
