// SPDX-License-Identifier: MIT
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from './cache.js';
import type { OtherUsers } from './cache-users.js';
import { diskUse } from './disk-use.js';
import { tryLock } from './lock.js';

/** A folder in which something was being made, moved in or removed when its process was killed. */
export interface Leftover {
	readonly name: string;
	readonly path: string;
	readonly bytes: number;
	/** Whether no process that is alive can have made it. */
	readonly stale: boolean;
}

/** What is in the cache's folder for unfinished work. The caller holds the lock on pruning before it removes any. */
export async function listLeftovers(
	cache: Cache,
	users: OtherUsers,
	signal: AbortSignal,
): Promise<readonly Leftover[]> {
	const folder = join(cache.root, 'tmp');
	const found: Omit<Leftover, 'bytes'>[] = [];
	for (const name of await readdir(folder).catch(() => [])) {
		const path = join(folder, name);
		const madeAt = await stat(path).then(
			// Some file systems keep no time of birth (statx(2)): then the last change, which is not earlier.
			({ birthtimeMs, ctime, birthtime }) => (birthtimeMs > 0 ? birthtime : ctime),
			() => undefined,
		);
		// What was moved here to be removed is older than its process; nobody puts it back but whoever prunes.
		const doomed = /^(?:gone|pruned)-/.test(name);
		if (madeAt) found.push({ name, path, stale: doomed || !users.mayUse(madeAt) });
	}
	const sizes = await diskUse(
		found.map(({ path }) => path),
		signal,
	);
	return found.map((one) => ({ ...one, bytes: sizes.get(one.path) ?? 0 }));
}

export async function removeLeftover({ path }: Leftover): Promise<void> {
	await rm(path, { recursive: true, force: true });
}

/** A lock's file is looked at once a day at most: each costs some milliseconds. */
const LOCK_AGE_MS = 24 * 60 * 60_000;

/** Removes the files of locks that nobody holds; who waits for one makes another (core/lock.ts). @returns how many */
export async function removeOldLocks(cache: Cache, signal: AbortSignal): Promise<number> {
	const folder = join(cache.root, 'locks');
	let removed = 0;
	for (const name of await readdir(folder).catch(() => [])) {
		signal.throwIfAborted();
		const path = join(folder, name);
		const facts = await stat(path).catch(() => undefined);
		if (!facts || name === 'prune' || Date.now() - facts.mtimeMs < LOCK_AGE_MS) continue;
		const lock = tryLock(path);
		if (!lock) continue;
		await rm(path, { force: true });
		await lock.release();
		removed++;
	}
	return removed;
}
