// SPDX-License-Identifier: MIT
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '../core/cache.js';
import { OtherUsers } from '../core/cache-users.js';
import { diskUse, freeBytes } from '../core/disk-use.js';
import { type Holding, type HoldingKind, listHoldings } from '../core/holding.js';
import { type Leftover, listLeftovers } from '../core/leftovers.js';
import type { Progress } from '../core/progress.js';
import { HOLDING_KINDS, HOUSEKEEPING } from './cache-kinds.js';

/** What is in the cache. */
export interface Stock {
	readonly root: string;
	readonly kinds: readonly HoldingKind[];
	readonly holdings: readonly Holding[];
	/** Unfinished work: of processes that are alive, and of those that were killed. */
	readonly unfinished: readonly Leftover[];
	/** Files and folders that are none of ours. */
	readonly others: readonly { readonly name: string; readonly bytes: number }[];
	/** Processes that use the cache now. */
	readonly pids: readonly number[];
	/** On disk, of all of the above. */
	readonly bytes: number;
	/** What this user may still write to its file system; undefined when there is no cache yet. */
	readonly freeBytes: number | undefined;
}

/** Looks at everything in the cache, or at some kinds of it. */
export async function takeStock(
	cache: Cache,
	kinds: readonly HoldingKind[],
	whole: boolean,
	progress: Progress,
): Promise<Stock> {
	const { root } = cache;
	const holdings = await listHoldings(cache, kinds, progress);
	const users = await OtherUsers.of(root);
	const unfinished = whole ? await listLeftovers(cache, users, progress.signal) : [];
	const others = whole ? await listOthers(root, progress.signal) : [];
	const bytes = [...holdings, ...unfinished, ...others].reduce((sum, one) => sum + one.bytes, 0);
	const free = await freeBytes(root).catch(() => undefined);
	return { root, kinds, holdings, unfinished, others, pids: users.pids, bytes, freeBytes: free };
}

async function listOthers(root: string, signal: AbortSignal): Promise<Stock['others']> {
	const known = new Set([...HOLDING_KINDS.map(({ name }) => name), ...HOUSEKEEPING]);
	const names = (await readdir(root).catch(() => [])).filter((name) => !known.has(name));
	const sizes = await diskUse(
		names.map((name) => join(root, name)),
		signal,
	);
	return names.map((name) => ({ name, bytes: sizes.get(join(root, name)) ?? 0 }));
}
