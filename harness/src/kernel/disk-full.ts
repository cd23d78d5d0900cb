// SPDX-License-Identifier: MIT
import { errnoOf, FencepostError, infrastructureError } from '../core/errors.js';

/** Runs work that writes below `path`; what ends because the disk is full says so, whichever program met it. */
export async function withRoomFor<T>(path: string, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		const said = error instanceof FencepostError && error.code !== 'DISK_FULL' ? (error.evidence ?? '') : '';
		if (errnoOf(error) !== 'ENOSPC' && !/No space left on device|Disk quota exceeded/.test(said)) throw error;
		throw infrastructureError('DISK_FULL', `no room left on the disk that holds ${path}`, {
			hint: 'free some space, or run: fencepost cache prune',
			evidence: said === '' ? undefined : said,
			cause: error,
		});
	}
}
