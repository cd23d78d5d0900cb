// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** SHA-256 of bytes or text, lower-case hex. */
export function sha256(data: string | Uint8Array): string {
	return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 of a file's contents, read as a stream. */
export async function sha256File(path: string): Promise<string> {
	const hash = createHash('sha256');
	await pipeline(createReadStream(path), hash);
	return hash.digest('hex');
}

/** One id from named parts. Names and lengths are hashed too, so that no two sets of parts give the same text. */
export function contentId(parts: Readonly<Record<string, string>>): string {
	const names = Object.keys(parts).sort();
	return sha256(JSON.stringify(names.map((name) => [name, parts[name]])));
}
