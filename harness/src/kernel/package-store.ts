// SPDX-License-Identifier: MIT
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '../core/cache.js';
import { infrastructureError } from '../core/errors.js';
import { sha256File } from '../core/hash.js';
import { run } from '../core/process.js';
import type { Progress } from '../core/progress.js';
import type { PrivateApt } from './apt.js';
import type { PackageRecord } from './apt-index.js';
import { withRoomFor } from './disk-full.js';

/** The .deb of a package, from the cache or downloaded into it. Entries are keyed by the hash in the signed index. */
export async function fetchPackage(
	apt: PrivateApt,
	record: PackageRecord,
	cache: Cache,
	progress: Progress,
): Promise<string> {
	const entry = await cache.entry('packages', record.sha256, progress, (directory) =>
		progress.phase(
			'fetch',
			(update) =>
				withRoomFor(cache.root, async () => {
					const bytes = `${(record.sizeBytes / 1e6).toFixed(0)} MB`;
					await apt.download(record, directory, (_, fraction) => update(`${record.name} ${bytes}`, fraction));
					const file = await debIn(directory);
					if (!file || (await sha256File(join(directory, file))) !== record.sha256) {
						throw infrastructureError(
							'PACKAGE_DAMAGED',
							`${record.name} ${record.version} as downloaded is not what the signed index describes`,
							{ hint: 'try again; if it stays, the mirror or a proxy serves a damaged file' },
						);
					}
					return { name: record.name, version: record.version };
				}),
			`${record.name} ${record.version}`,
		),
	);
	const file = await debIn(entry.path);
	if (!file) throw infrastructureError('PACKAGE_DAMAGED', `no .deb in the cache entry ${entry.path}`);
	return join(entry.path, file);
}

async function debIn(directory: string): Promise<string | undefined> {
	return (await readdir(directory)).find((name) => name.endsWith('.deb'));
}

/** Unpacks what a .deb installs into a folder. */
export async function unpackPackage(deb: string, directory: string, signal: AbortSignal): Promise<void> {
	await withRoomFor(directory, () => run('dpkg-deb', ['--extract', deb, directory], { signal, package: 'dpkg' }));
}
