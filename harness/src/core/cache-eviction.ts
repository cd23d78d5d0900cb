// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OtherUsers } from './cache-users.js';
import { errnoOf } from './errors.js';
import { type Lock, tryLock } from './lock.js';

/** How something in the cache may be removed. */
export interface Eviction {
	/** Its last use, as it was when it was chosen: when it was used since, it stays. */
	readonly seenAt: Date;
	/** Locks below `locks` that are held by whoever changes it. */
	readonly locks: readonly string[];
	/** Who else uses the cache; left out where what is in use is known in another way. */
	readonly users?: OtherUsers;
	/** Its last use now, wherever it is. By default its folder's own time. */
	readonly usedAt?: (path: string) => Promise<Date>;
}

/**
 * Removes something from the cache, unless it is in use: locked, used by a process that still runs, or used while we
 * look. It is moved out of the way first, so that it is there whole or not at all. The caller holds the lock on pruning.
 * @returns why it stays; undefined when it is gone
 */
export async function evict(root: string, path: string, eviction: Eviction): Promise<string | undefined> {
	const { seenAt, users, usedAt = folderTime } = eviction;
	const held: Lock[] = [];
	try {
		for (const name of eviction.locks) {
			const lock = tryLock(join(root, 'locks', name));
			if (!lock) return 'it is being worked on';
			held.push(lock);
		}
		const before = await usedAt(path);
		const inUse = users?.whyItStays(before);
		if (inUse !== undefined) return inUse;
		if (before.getTime() > seenAt.getTime()) return 'it was used just now';
		const aside = join(root, 'tmp', `pruned-${randomUUID()}`);
		await mkdir(dirname(aside), { recursive: true });
		await rename(path, aside);
		// Whoever looked it up before the move has touched it before that; who comes later does not find it.
		if ((await usedAt(aside)).getTime() > before.getTime()) {
			await rename(aside, path);
			return 'it was used just now';
		}
		await rm(aside, { recursive: true, force: true });
		return undefined;
	} catch (error) {
		if (errnoOf(error) === 'ENOENT') return undefined;
		throw error;
	} finally {
		for (const lock of held.reverse()) await lock.release();
	}
}

async function folderTime(path: string): Promise<Date> {
	return (await stat(path)).mtime;
}
