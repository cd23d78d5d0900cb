// SPDX-License-Identifier: MIT
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf, infrastructureError, messageOf } from './errors.js';
import { sha256File } from './hash.js';

const MANIFEST = 'entry.json';

const SCHEMA = z.object({
	/** SHA-256 of each file, by its path in the entry. */
	files: z.record(z.string(), z.string()),
	/** What `fill` returned; JSON has no place for nothing. */
	info: z.unknown().optional(),
});

/** What an entry of the cache says of itself. */
export type Manifest = z.infer<typeof SCHEMA>;

/** @throws Error when it is not there or is none. */
export async function readManifest(directory: string): Promise<Manifest> {
	return SCHEMA.parse(JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')));
}

/** Hashes what was filled into a folder. */
export async function writeManifest(directory: string, info: unknown): Promise<void> {
	// One after the other: a stock kernel's modules are more files than may be open at a time.
	const files: Record<string, string> = {};
	for (const name of await filesBelow(directory)) files[name] = await sha256File(join(directory, name));
	await writeFile(join(directory, MANIFEST), JSON.stringify({ files, info } satisfies Manifest, null, 1));
}

/** An entry as it was found. */
export type Inspection =
	| { readonly state: 'sound'; readonly manifest: Manifest }
	| { readonly state: 'damaged'; readonly why: string }
	| { readonly state: 'absent' };

/** Compares an entry's files with their hashes. */
export async function inspectEntry(directory: string, signal?: AbortSignal): Promise<Inspection> {
	let manifest: Manifest;
	try {
		manifest = await readManifest(directory);
	} catch {
		return (await exists(directory))
			? { state: 'damaged', why: `its ${MANIFEST} cannot be read` }
			: { state: 'absent' };
	}
	for (const [name, expected] of Object.entries(manifest.files)) {
		signal?.throwIfAborted();
		const found = await sha256File(join(directory, name)).catch(() => undefined);
		if (found === expected) continue;
		if (!(await exists(directory))) return { state: 'absent' };
		const why =
			found === undefined ? `${name} is missing` : `${name} is not what was stored (sha256 ${found.slice(0, 12)})`;
		return { state: 'damaged', why };
	}
	return { state: 'sound', manifest };
}

async function exists(path: string): Promise<boolean> {
	return stat(path).then(
		() => true,
		(error: unknown) => errnoOf(error) !== 'ENOENT',
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
