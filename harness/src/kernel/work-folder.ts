// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import type { Cache } from '../core/cache.js';

/**
 * Runs `work` with an empty folder on the cache's disk, which is gone afterwards; what a process that is killed leaves is
 * removed with the cache's leftovers. @param what the folder's name begins with
 */
export async function withWorkFolder<T>(cache: Cache, what: string, work: (folder: string) => Promise<T>): Promise<T> {
	const folder = cache.workPath('tmp', `${what}-${randomUUID()}`);
	try {
		await mkdir(folder, { recursive: true });
		return await work(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
