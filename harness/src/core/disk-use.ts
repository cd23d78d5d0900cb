// SPDX-License-Identifier: MIT
import { statfs } from 'node:fs/promises';
import { run } from './process.js';

/** Bytes on disk below each path, from du(1); a path that is gone meanwhile has none. */
export async function diskUse(paths: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
	const sizes = new Map<string, number>();
	// One argument may have 128 KiB, all of them 2 MiB (execve(2)).
	for (let first = 0; first < paths.length; first += 500) {
		const { stdout } = await run('du', ['--summarize', '--block-size=1', '--', ...paths.slice(first, first + 500)], {
			...(signal ? { signal } : {}),
			package: 'coreutils',
			accept: [0, 1],
		});
		for (const line of stdout.split('\n')) {
			const tab = line.indexOf('\t');
			if (tab > 0) sizes.set(line.slice(tab + 1), Number(line.slice(0, tab)));
		}
	}
	return sizes;
}

/** Bytes that this user may still write to the file system of a folder. */
export async function freeBytes(directory: string): Promise<number> {
	const { bavail, bsize } = await statfs(directory);
	return bavail * bsize;
}
