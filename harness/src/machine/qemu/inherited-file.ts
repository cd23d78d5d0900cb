// SPDX-License-Identifier: MIT
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { infrastructureError, messageOf } from '../../core/errors.js';
import { isRoot, NOBODY } from './confinement.js';
import { openMemoryFile } from './memory-file.js';

/** Others may read it: the last of the three groups of a file's mode (inode(7)). */
const READABLE_BY_OTHERS = 0o004;

/**
 * A file that QEMU opens through the descriptor it inherits: no folder on the way needs to be open to it. What only
 * root may read is copied into a file without a name that belongs to nobody. The caller closes it.
 * @throws FencepostError GUEST_FILE when it cannot be read.
 */
export async function openForQemu(path: string): Promise<FileHandle> {
	const file = await open(path, constants.O_RDONLY).catch((cause) => {
		throw infrastructureError('GUEST_FILE', `cannot open ${path} for a guest: ${messageOf(cause)}`, { cause });
	});
	try {
		const { mode, uid } = await file.stat();
		if (!isRoot() || uid === NOBODY.uid || (mode & READABLE_BY_OTHERS) !== 0) return file;
		const bytes = await readFile(file);
		await file.close();
		const copy = await openMemoryFile(bytes.length);
		await copy.write(bytes, 0, bytes.length, 0);
		return copy;
	} catch (error) {
		await file.close().catch(() => {});
		throw error;
	}
}
