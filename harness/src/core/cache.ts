// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { evict } from './cache-eviction.js';
import { type Inspection, inspectEntry, readManifest, writeManifest } from './cache-manifest.js';
import { registerUser } from './cache-users.js';
import { diskUse, freeBytes } from './disk-use.js';
import { errnoOf, infrastructureError, messageOf } from './errors.js';
import { makeFolder } from './folder.js';
import { tryLock, withLock } from './lock.js';
import type { Progress } from './progress.js';

/** Kinds of entries, each a folder of the cache. */
export const CACHE_KINDS = [
	'kernels',
	'packages',
	'images',
	'toolchain',
	'suites',
	'templates',
	'modules',
	'device-trees',
] as const;
export type CacheKind = (typeof CACHE_KINDS)[number];

export interface CacheEntry {
	readonly path: string;
	/** What `fill` returned when the entry was made. */
	readonly info: unknown;
}

/** An entry as a list of them shows it; its files are not hashed for that. */
export interface ListedEntry extends CacheEntry {
	readonly id: string;
	readonly usedAt: Date;
}

/** How much room a kind of entries may take. */
export interface RoomBound {
	readonly maxBytes: number;
	/** No more than this part of what would be free without them; 1 when left out. */
	readonly freeShare?: number;
}

/** What was used so lately is in use perhaps: nobody holds an entry from being opened to being read for longer. */
const IN_USE_MS = 5 * 60_000;

/**
 * A content-addressed store outside the checkout. An entry is made in a folder of its own and renamed into
 * place, so it is there whole or not at all; its files' hashes are checked each time it is handed out.
 */
export class Cache {
	private entered = false;

	constructor(readonly root: string = defaultCacheRoot()) {}

	/**
	 * A folder for things that are not entries (build trees, apt state): the caller locks and checks these itself, and
	 * touches them when it uses them. @throws FencepostError CACHE_UNWRITABLE.
	 */
	workPath(...parts: string[]): string {
		this.enter();
		return join(this.root, ...parts);
	}

	/** Says that a work folder is used now: what was not for long is removed first. */
	async touch(...parts: string[]): Promise<void> {
		const now = new Date();
		await utimes(join(this.root, ...parts), now, now).catch(() => {});
	}

	/** The entry, or undefined when there is none or its files are not what they were (then it is thrown away, and said). */
	async lookup(kind: CacheKind, id: string, progress?: Progress): Promise<CacheEntry | undefined> {
		const found = await this.inspect(kind, id);
		if (found.state === 'damaged') {
			return this.locked(kind, id, progress, () => this.lookupLocked(kind, id, progress));
		}
		return this.handOut(kind, id, found);
	}

	/**
	 * The entry, made by `fill` into an empty folder if it is not there. Concurrent callers, other processes
	 * included, wait for the one that is making it.
	 */
	async entry(
		kind: CacheKind,
		id: string,
		progress: Progress,
		fill: (directory: string) => Promise<unknown>,
	): Promise<CacheEntry> {
		return (
			this.handOut(kind, id, await this.inspect(kind, id)) ??
			this.locked(
				kind,
				id,
				progress,
				async () => (await this.lookupLocked(kind, id, progress)) ?? (await this.make(kind, id, fill)),
			)
		);
	}

	/** The ids of all entries of a kind, damaged ones too. */
	async ids(kind: CacheKind): Promise<string[]> {
		return readdir(join(this.root, kind)).catch(() => []);
	}

	/** Entries of a kind with their folders and last use, newest first. */
	async list(kind: CacheKind): Promise<ListedEntry[]> {
		const entries: ListedEntry[] = [];
		for (const id of await this.ids(kind)) {
			const path = join(this.root, kind, id);
			try {
				const { info } = await readManifest(path);
				entries.push({ id, path, usedAt: (await stat(path)).mtime, info });
			} catch {
				// Damaged, or gone meanwhile: who looks it up is told.
			}
		}
		return entries.sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime());
	}

	/**
	 * Removes the entries used longest ago until the rest fits. What was used in the last five minutes stays in any
	 * case, so the bound is passed by as much as is made in that time.
	 */
	async keepWithin(kind: CacheKind, { maxBytes, freeShare = 1 }: RoomBound): Promise<void> {
		// Somebody who prunes already does it for us.
		const lock = tryLock(pruneLock(this.root));
		if (!lock) return;
		try {
			const entries = await this.list(kind);
			const sizes = await diskUse(entries.map(({ path }) => path));
			const used = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
			const bound = Math.min(maxBytes, freeShare * ((await freeBytes(this.root)) + used));
			let excess = used - bound;
			for (const { id, path, usedAt } of entries.reverse()) {
				if (excess <= 0 || Date.now() - usedAt.getTime() < IN_USE_MS) return;
				const kept = await evict(this.root, path, { seenAt: usedAt, locks: [entryLock(kind, id)] });
				if (kept === undefined) excess -= sizes.get(path) ?? 0;
			}
		} finally {
			await lock.release();
		}
	}

	/** Removes an entry, whoever uses it. */
	async remove(kind: CacheKind, id: string): Promise<void> {
		const doomed = join(this.root, 'tmp', `gone-${randomUUID()}`);
		await mkdir(join(this.root, 'tmp'), { recursive: true });
		await rename(join(this.root, kind, id), doomed).catch(() => {});
		await rm(doomed, { recursive: true, force: true });
	}

	/** Removes an entry if its files are not what was stored. @returns why it was removed; undefined for a sound one. */
	async removeDamaged(kind: CacheKind, id: string, progress: Progress): Promise<string | undefined> {
		const path = join(this.root, kind, id);
		if ((await inspectEntry(path, progress.signal)).state !== 'damaged') return undefined;
		return this.locked(kind, id, progress, async () => {
			const found = await inspectEntry(path, progress.signal);
			if (found.state !== 'damaged') return undefined;
			await this.remove(kind, id);
			return found.why;
		});
	}

	/** Before anything of it is used: its folder is there and can be written to, and other processes know of us. */
	private enter(): void {
		if (this.entered) return;
		try {
			makeFolder(this.root);
			accessSync(join(this.root, '.'), constants.W_OK | constants.X_OK);
		} catch (error) {
			throw infrastructureError('CACHE_UNWRITABLE', `cannot write to the cache, ${this.root}: ${messageOf(error)}`, {
				hint: 'set XDG_CACHE_HOME to a folder that can be written to',
				cause: error,
			});
		}
		registerUser(this.root);
		this.entered = true;
	}

	/** Touched before it is looked at: from then on nobody removes it while we run. */
	private async inspect(kind: CacheKind, id: string): Promise<Inspection> {
		this.enter();
		await this.touch(kind, id);
		return inspectEntry(join(this.root, kind, id));
	}

	private handOut(kind: CacheKind, id: string, found: Inspection): CacheEntry | undefined {
		return found.state === 'sound' ? { path: join(this.root, kind, id), info: found.manifest.info } : undefined;
	}

	/** Under the entry's lock a damaged one can be thrown away: nobody has put a sound one there meanwhile. */
	private async lookupLocked(kind: CacheKind, id: string, progress?: Progress): Promise<CacheEntry | undefined> {
		const found = await this.inspect(kind, id);
		if (found.state !== 'damaged') return this.handOut(kind, id, found);
		progress?.note(`cache entry ${kind}/${id.slice(0, 12)} is damaged: ${found.why}; making it again`);
		await this.remove(kind, id);
		return undefined;
	}

	private locked<T>(kind: CacheKind, id: string, progress: Progress | undefined, work: () => Promise<T>): Promise<T> {
		return withLock(join(this.root, 'locks', entryLock(kind, id)), work, progress?.signal, () =>
			progress?.note(`waiting for another run that is making ${kind}/${id.slice(0, 12)}`),
		);
	}

	private async make(kind: CacheKind, id: string, fill: (directory: string) => Promise<unknown>): Promise<CacheEntry> {
		const temporary = join(this.root, 'tmp', `${kind}-${randomUUID()}`);
		try {
			await mkdir(temporary, { recursive: true });
			const info = await fill(temporary);
			await writeManifest(temporary, info);
			await mkdir(join(this.root, kind), { recursive: true });
			const path = join(this.root, kind, id);
			await rename(temporary, path);
			return { path, info };
		} catch (error) {
			if (errnoOf(error) === 'ENOSPC') {
				throw infrastructureError('DISK_FULL', `no room left for the cache in ${this.root}`, {
					hint: 'free some space, or run: fencepost cache prune',
					cause: error,
				});
			}
			throw error;
		} finally {
			await rm(temporary, { recursive: true, force: true });
		}
	}
}

/** Name of the lock, below `locks`, that is held while an entry is made or removed. */
export function entryLock(kind: CacheKind, id: string): string {
	return `${kind}-${id}`;
}

/** Held by whoever removes things that may be in use, and has to put them back when they are. */
export function pruneLock(root: string): string {
	return join(root, 'locks', 'prune');
}

/** `$XDG_CACHE_HOME/fencepost`, by default `~/.cache/fencepost` (XDG base directory specification). */
export function defaultCacheRoot(): string {
	const base = process.env['XDG_CACHE_HOME'];
	return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'fencepost');
}
