// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, infrastructureError, messageOf } from './errors.js';
import { sha256File } from './hash.js';
import { withLock } from './lock.js';
import type { Progress } from './progress.js';

/** Kinds of entries, each a folder of the cache. */
export type CacheKind = 'kernels' | 'packages' | 'images' | 'toolchain' | 'suites' | 'templates' | 'modules';

const MANIFEST = 'entry.json';

interface Manifest {
	readonly files: Readonly<Record<string, string>>;
	readonly info: unknown;
}

export interface CacheEntry {
	readonly path: string;
	/** What `fill` returned when the entry was made. */
	readonly info: unknown;
}

/**
 * A content-addressed store outside the checkout. An entry is made in a folder of its own and renamed into
 * place, so it is there whole or not at all; its files' hashes are checked each time it is handed out.
 */
export class Cache {
	constructor(readonly root: string = defaultCacheRoot()) {}

	/** A folder for things that are not entries (build trees, apt state): the caller locks and checks these itself. */
	workPath(...parts: string[]): string {
		return join(this.root, ...parts);
	}

	/** The entry, or undefined when there is none or its files are not what they were (then it is thrown away, and said). */
	async lookup(kind: CacheKind, id: string, progress?: Progress): Promise<CacheEntry | undefined> {
		const path = join(this.root, kind, id);
		let manifest: Manifest;
		try {
			manifest = JSON.parse(await readFile(join(path, MANIFEST), 'utf8')) as Manifest;
		} catch (error) {
			if (errnoOf(error) === 'ENOENT' && !(await exists(path))) return undefined;
			await this.discard(kind, id, `its ${MANIFEST} cannot be read`, progress);
			return undefined;
		}
		for (const [name, expected] of Object.entries(manifest.files)) {
			const found = await sha256File(join(path, name)).catch(() => 'missing');
			if (found !== expected) {
				await this.discard(kind, id, `${name} is not what was stored (sha256 ${found.slice(0, 12)})`, progress);
				return undefined;
			}
		}
		const now = new Date();
		await utimes(path, now, now).catch(() => {});
		return { path, info: manifest.info };
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
		const found = await this.lookup(kind, id, progress);
		if (found) return found;
		return withLock(
			join(this.root, 'locks', `${kind}-${id}`),
			async () => (await this.lookup(kind, id, progress)) ?? (await this.make(kind, id, fill)),
			progress.signal,
			() => progress.note(`waiting for another run that is making ${kind}/${id.slice(0, 12)}`),
		);
	}

	/** Entries of a kind with their folders and last use, newest first. */
	async list(kind: CacheKind): Promise<{ id: string; path: string; usedAt: Date; info: unknown }[]> {
		const names = await readdir(join(this.root, kind)).catch(() => []);
		const entries = await Promise.all(
			names.map(async (id) => {
				const path = join(this.root, kind, id);
				try {
					const manifest = JSON.parse(await readFile(join(path, MANIFEST), 'utf8')) as Manifest;
					return { id, path, usedAt: (await stat(path)).mtime, info: manifest.info };
				} catch {
					return undefined;
				}
			}),
		);
		return entries.filter((entry) => entry !== undefined).sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime());
	}

	/** Removes all but the `count` entries used last. */
	async keepNewest(kind: CacheKind, count: number): Promise<void> {
		for (const { id } of (await this.list(kind)).slice(count)) await this.remove(kind, id);
	}

	async remove(kind: CacheKind, id: string): Promise<void> {
		const doomed = join(this.root, 'tmp', `gone-${randomUUID()}`);
		await mkdir(join(this.root, 'tmp'), { recursive: true });
		await rename(join(this.root, kind, id), doomed).catch(() => {});
		await rm(doomed, { recursive: true, force: true });
	}

	private async make(kind: CacheKind, id: string, fill: (directory: string) => Promise<unknown>): Promise<CacheEntry> {
		const temporary = join(this.root, 'tmp', `${kind}-${randomUUID()}`);
		try {
			await mkdir(temporary, { recursive: true });
			const info = await fill(temporary);
			// One after the other: a stock kernel's modules are more files than may be open at a time.
			const files: Record<string, string> = {};
			for (const name of await filesBelow(temporary)) files[name] = await sha256File(join(temporary, name));
			await writeFile(join(temporary, MANIFEST), JSON.stringify({ files, info } satisfies Manifest, null, 1));
			await mkdir(join(this.root, kind), { recursive: true });
			const path = join(this.root, kind, id);
			await rename(temporary, path);
			return { path, info };
		} catch (error) {
			if (errnoOf(error) === 'ENOSPC') {
				throw infrastructureError('DISK_FULL', `no room left for the cache in ${this.root}`, {
					hint: 'free some space, or run: fencepost kernel prune',
					cause: error,
				});
			}
			throw error;
		} finally {
			await rm(temporary, { recursive: true, force: true });
		}
	}

	private async discard(kind: CacheKind, id: string, why: string, progress?: Progress): Promise<void> {
		progress?.note(`cache entry ${kind}/${id.slice(0, 12)} is damaged: ${why}; making it again`);
		await this.remove(kind, id);
	}
}

/** `$XDG_CACHE_HOME/fencepost`, by default `~/.cache/fencepost` (XDG base directory specification). */
export function defaultCacheRoot(): string {
	const base = process.env['XDG_CACHE_HOME'];
	return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'fencepost');
}

async function exists(path: string): Promise<boolean> {
	return stat(path).then(
		() => true,
		() => false,
	);
}

/** Regular files below a folder, as relative paths in a fixed order. */
async function filesBelow(directory: string): Promise<string[]> {
	try {
		const entries = await readdir(directory, { recursive: true, withFileTypes: true });
		return entries
			.filter((entry) => entry.isFile())
			.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
			.sort();
	} catch (error) {
		throw infrastructureError('CACHE_UNREADABLE', `cannot list ${directory}: ${messageOf(error)}`, { cause: error });
	}
}
