// SPDX-License-Identifier: MIT
import { readdir, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Cache } from '../core/cache.js';

/**
 * Says that a build folder is used, with its source and the links to it: what is in use is not pruned, and the
 * folder of a kernel is of no use without its source.
 */
export async function touchBuild(cache: Cache, buildName: string): Promise<void> {
	await cache.touch('builds', buildName);
	const source = await linkTarget(join(cache.root, 'builds', buildName, 'source'));
	if (source === undefined) return;
	await touchFolderOf(cache, source);
	// A view with our patches is links, nearly all of them into the source itself.
	const links = await readdir(source, { withFileTypes: true }).catch(() => []);
	const link = links.find((entry) => entry.isSymbolicLink());
	const pristine = link && (await linkTarget(join(source, link.name)));
	if (pristine !== undefined) await touchFolderOf(cache, pristine);
}

async function linkTarget(path: string): Promise<string | undefined> {
	return readlink(path).catch(() => undefined);
}

async function touchFolderOf(cache: Cache, path: string): Promise<void> {
	const [folder, name] = relative(cache.root, path).split('/');
	if (folder !== undefined && folder !== '..' && name !== undefined) await cache.touch(folder, name);
}
