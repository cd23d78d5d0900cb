// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { infrastructureError } from '../../core/errors.js';
import { isRoot, NOBODY } from './confinement.js';

/** The kernel's shared memory file system (Documentation/filesystems/tmpfs.rst): files here are memory. */
const SHARED_MEMORY = '/dev/shm';
/** What must stay free there beyond a guest's whole memory. */
const RESERVE_BYTES = 256 * 1024 * 1024;

/** Granule in which memory counts as used or empty: the smallest page that any guest has. */
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 4 * 1024 * 1024;
const EMPTY_CHUNK = Buffer.alloc(CHUNK_BYTES);
/** `FPRAM001`, then the size of the memory, then (offset, length, bytes) of each part that is not all zeroes; u64s, little-endian. */
const MAGIC = Buffer.from('FPRAM001', 'latin1');
const MAX_MEMORY_BYTES = 1024 ** 4;

/**
 * A file for a guest's memory that no name leads to: it is gone with the last process that holds it open, whatever
 * ends us. On tmpfs where there is room for all of it, else on disk. Nobody but QEMU, as whoever it runs, can open it.
 */
export async function openMemoryFile(bytes: number): Promise<FileHandle> {
	const candidates = (await hasRoom(SHARED_MEMORY, bytes)) ? [SHARED_MEMORY, tmpdir()] : [tmpdir()];
	for (const directory of candidates) {
		const path = join(directory, `fencepost-${randomUUID()}`);
		try {
			await mkdir(directory, { recursive: true });
			const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
			try {
				await unlink(path);
				if (isRoot()) await file.chown(NOBODY.uid, NOBODY.gid);
				return file;
			} catch (error) {
				await file.close();
				throw error;
			}
		} catch {
			// The next place may be better.
		}
	}
	throw infrastructureError(
		'NO_MEMORY_FILE',
		`no file for a guest's memory could be made in ${candidates.join(' or ')}`,
	);
}

async function hasRoom(directory: string, bytes: number): Promise<boolean> {
	try {
		const { bavail, bsize } = await statfs(directory);
		return bavail * bsize > bytes + RESERVE_BYTES;
	} catch {
		return false;
	}
}

/** Writes what of the memory is not zero to `target`, part by part. */
export async function packMemory(memory: FileHandle, target: FileHandle): Promise<void> {
	const { size } = await memory.stat();
	await target.write(Buffer.concat([MAGIC, u64(size)]));
	const chunk = Buffer.alloc(CHUNK_BYTES);
	for (let at = 0; at < size; at += CHUNK_BYTES) {
		const { bytesRead } = await memory.read(chunk, 0, Math.min(CHUNK_BYTES, size - at), at);
		const read = chunk.subarray(0, bytesRead);
		if (read.equals(EMPTY_CHUNK.subarray(0, bytesRead))) continue;
		for (const [from, to] of usedParts(read)) {
			await target.writev([u64(at + from), u64(to - from), read.subarray(from, to)]);
		}
	}
}

/** Runs of pages that hold anything, as offsets. */
function* usedParts(bytes: Buffer): Generator<readonly [from: number, to: number]> {
	const empty = EMPTY_CHUNK.subarray(0, PAGE_BYTES);
	let from: number | undefined;
	for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
		const used = !bytes.subarray(at, at + PAGE_BYTES).equals(empty);
		if (used) from ??= at;
		else if (from !== undefined) {
			yield [from, at];
			from = undefined;
		}
	}
	if (from !== undefined) yield [from, bytes.length];
}

/** Writes packed memory back into an empty memory file. @throws FencepostError TEMPLATE_DAMAGED when it makes no sense. */
export async function unpackMemory(packed: Buffer, memory: FileHandle): Promise<void> {
	const size = packed.subarray(0, 8).equals(MAGIC) ? readU64(packed, 8) : Number.NaN;
	if (!(size <= MAX_MEMORY_BYTES)) throw damaged('it does not begin as one');
	await memory.truncate(size);
	for (let at = 16; at < packed.length; ) {
		const [offset, length] = [readU64(packed, at), readU64(packed, at + 8)];
		at += 16;
		if (!(length > 0) || !(offset + length <= size) || at + length > packed.length) {
			throw damaged(`a part of ${length} bytes at ${offset}`);
		}
		await memory.write(packed, at, length, offset);
		at += length;
	}
}

function damaged(what: string) {
	return infrastructureError('TEMPLATE_DAMAGED', `a template's memory cannot be read: ${what}`);
}

function u64(value: number): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64LE(BigInt(value));
	return bytes;
}

function readU64(bytes: Buffer, at: number): number {
	return at + 8 <= bytes.length ? Number(bytes.readBigUInt64LE(at)) : Number.NaN;
}
