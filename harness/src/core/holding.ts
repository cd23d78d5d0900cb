// SPDX-License-Identifier: MIT
import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_KINDS, type Cache, entryLock } from './cache.js';
import { evict } from './cache-eviction.js';
import { readManifest } from './cache-manifest.js';
import type { OtherUsers } from './cache-users.js';
import { diskUse } from './disk-use.js';
import { errnoOf } from './errors.js';
import type { Progress } from './progress.js';

/** A folder of the cache whose contents can be made or fetched again: what it is, and how it is removed safely. */
export interface HoldingKind {
	/** Name of the folder. */
	readonly name: string;
	/** What one of it is: `kernel`. */
	readonly what: string;
	/** What it costs to have it again. */
	readonly again: string;
	/**
	 * `entries`: what `Cache.entry` makes. `folders`: each folder in it. `folder`: it as a whole. `files`: loose
	 * files, counted as one and removed one by one.
	 */
	readonly form: 'entries' | 'folders' | 'folder' | 'files';
	/** Names of the locks that whoever works on one holds; `*` at the end for all that begin so. */
	readonly locks?: (name: string) => readonly string[];
	/** Files of it whose times tell its use too. */
	readonly touched?: readonly string[];
	/** A name for people, from what an entry says of itself. */
	readonly label?: (info: unknown) => string;
	/** Called before one is removed; what it returns is called afterwards. */
	readonly beforeRemoval?: (path: string, signal: AbortSignal) => Promise<() => Promise<void>>;
}

/** One thing in the cache. */
export interface Holding {
	readonly kind: HoldingKind;
	/** Of its file or folder. */
	readonly name: string;
	readonly label: string;
	readonly path: string;
	readonly usedAt: Date;
	/** On disk. */
	readonly bytes: number;
}

/** Everything of some kinds that is in the cache, kind by kind. */
export async function listHoldings(
	cache: Cache,
	kinds: readonly HoldingKind[],
	progress: Progress,
): Promise<readonly Holding[]> {
	return progress.phase('measure', async (update) => {
		const all: Holding[] = [];
		for (const [index, kind] of kinds.entries()) {
			update(kind.name, index / kinds.length);
			const found: Omit<Holding, 'bytes'>[] = [];
			for (const name of await namesOf(cache, kind)) {
				const path =
					kind.form === 'folder' || kind.form === 'files' ? join(cache.root, name) : join(cache.root, kind.name, name);
				const usedAt = await lastUse(kind, path).catch(() => undefined);
				if (usedAt) found.push({ kind, name, label: await labelOf(kind, name, path), path, usedAt });
			}
			const sizes = await diskUse(
				found.map(({ path }) => path),
				progress.signal,
			);
			all.push(...found.map((one) => ({ ...one, bytes: sizes.get(one.path) ?? 0 })));
		}
		return all;
	});
}

/**
 * Removes something, unless it is in use. The caller holds the lock on pruning.
 * @returns why it stays; undefined when it is gone
 */
export async function removeHolding(
	cache: Cache,
	{ kind, name, path, usedAt }: Holding,
	users: OtherUsers,
	signal: AbortSignal,
): Promise<string | undefined> {
	if (kind.form === 'files') return removeFiles(path, usedAt, users);
	const afterwards = await kind.beforeRemoval?.(path, signal);
	const stays = await evict(cache.root, path, {
		seenAt: usedAt,
		locks: await locksOf(cache, kind, name),
		users,
		usedAt: (where) => lastUse(kind, where, path),
	});
	if (stays !== undefined) return stays;
	await rm(stampOf(path), { force: true });
	await afterwards?.();
	return undefined;
}

async function namesOf(cache: Cache, { name, form }: HoldingKind): Promise<string[]> {
	const entries = await readdir(join(cache.root, name), { withFileTypes: true }).catch(() => []);
	if (form === 'folder' || form === 'files') return entries.length > 0 ? [name] : [];
	return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function labelOf(kind: HoldingKind, name: string, path: string): Promise<string> {
	if (kind.form === 'folder' || kind.form === 'files') return '';
	if (kind.form === 'folders') return name;
	const id = name.slice(0, 12);
	const info = await readManifest(path).then(
		(manifest) => manifest.info,
		() => undefined,
	);
	const label = info === undefined ? '' : (kind.label?.(info) ?? '');
	return label === '' ? id : `${label} (${id})`;
}

async function locksOf(cache: Cache, kind: HoldingKind, name: string): Promise<readonly string[]> {
	const entryKind = CACHE_KINDS.find((one) => one === kind.name);
	if (entryKind) return [entryLock(entryKind, name)];
	const names = kind.locks?.(name) ?? [];
	if (names.every((one) => !one.endsWith('*'))) return names;
	const there = await readdir(join(cache.root, 'locks')).catch(() => []);
	return names.flatMap((one) =>
		one.endsWith('*') ? there.filter((file) => file.startsWith(one.slice(0, -1))) : [one],
	);
}

/** A folder's own time, that of its stamp beside it, and those of the files in it that tell its use: the latest. */
async function lastUse(kind: HoldingKind, path: string, original = path): Promise<Date> {
	const own = (await stat(path)).mtimeMs;
	const within = kind.form === 'files' ? await readdir(path) : (kind.touched ?? []);
	const times = await Promise.all(
		[stampOf(original), ...within.map((file) => join(path, file))].map((file) =>
			stat(file).then(
				(facts) => facts.mtimeMs,
				() => 0,
			),
		),
	);
	// An entry's own time is its last use; that of a folder of loose files says little.
	return new Date(Math.max(kind.form === 'files' ? 0 : own, ...times));
}

const stampOf = (path: string) => `${path}.json`;

async function removeFiles(folder: string, seenAt: Date, users: OtherUsers): Promise<string | undefined> {
	let stays: string | undefined;
	for (const name of await readdir(folder).catch(() => [])) {
		const file = join(folder, name);
		try {
			const usedAt = new Date((await stat(file)).mtimeMs);
			if (usedAt > seenAt || users.mayUse(usedAt)) stays = 'part of it was used just now';
			else await unlink(file);
		} catch (error) {
			if (errnoOf(error) !== 'ENOENT') throw error;
		}
	}
	return stays;
}
