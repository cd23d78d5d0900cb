// SPDX-License-Identifier: MIT
import { usageError } from '../core/errors.js';

/** One thing in an archive. Paths are relative to the root; a leading slash is taken off. */
export type CpioEntry =
	| { readonly kind: 'directory'; readonly path: string; readonly mode?: number }
	| { readonly kind: 'file'; readonly path: string; readonly mode?: number; readonly data: Uint8Array }
	| { readonly kind: 'symlink'; readonly path: string; readonly target: string }
	| {
			readonly kind: 'character';
			readonly path: string;
			readonly mode?: number;
			readonly major: number;
			readonly minor: number;
	  };

/** File type bits of st_mode (inode(7)). */
const TYPE_BITS = { directory: 0o040000, file: 0o100000, symlink: 0o120000, character: 0o020000 } as const;
const DEFAULT_MODE = { directory: 0o755, file: 0o644, symlink: 0o777, character: 0o600 } as const;

const TRAILER = 'TRAILER!!!';
const MAX_FILE_BYTES = 0xffffffff;

/**
 * A cpio archive in the "newc" format, which kernels unpack as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). The same entries give the same bytes, in whatever
 * order they come: sorted by path, inode numbers by that order, time 0, owner 0. Directories on the way to an
 * entry are added. @throws FencepostError ARCHIVE_ENTRY for a path that is used twice, leaves the root, or leads
 * through a file.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
	const byPath = new Map<string, CpioEntry>();
	for (const entry of entries) {
		const path = normalPath(entry.path);
		if (byPath.has(path)) throw refuse(entry.path, 'two entries have this path');
		byPath.set(path, { ...entry, path });
	}
	for (const path of [...byPath.keys()]) addParents(path, byPath);
	const sorted = [...byPath.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
	const parts: Buffer[] = [];
	for (const [index, [, entry]] of sorted.entries()) pushEntry(parts, entry, index + 1);
	pushRecord(parts, { name: TRAILER, inode: 0, mode: 0, links: 1, data: new Uint8Array(0), major: 0, minor: 0 });
	const bytes = parts.reduce((sum, part) => sum + part.length, 0);
	parts.push(Buffer.alloc(padding(bytes, 512)));
	return Buffer.concat(parts);
}

function normalPath(path: string): string {
	const relative = path.replace(/^\/+/, '').replace(/\/+$/, '');
	const parts = relative.split('/');
	if (relative === '') throw refuse(path, 'it names the root itself');
	if (path.includes('\0')) throw refuse(path, 'it contains a NUL character');
	if (parts.some((part) => part === '' || part === '.' || part === '..')) {
		throw refuse(path, 'it has an empty, "." or ".." part');
	}
	if (relative === TRAILER) throw refuse(path, 'that name ends an archive');
	return relative;
}

function addParents(path: string, byPath: Map<string, CpioEntry>): void {
	for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
		const parent = path.slice(0, slash);
		const there = byPath.get(parent);
		if (there && there.kind !== 'directory') throw refuse(path, `${parent} is no directory`);
		if (!there) byPath.set(parent, { kind: 'directory', path: parent });
	}
}

function pushEntry(parts: Buffer[], entry: CpioEntry, inode: number): void {
	const permissions = ('mode' in entry ? entry.mode : undefined) ?? DEFAULT_MODE[entry.kind];
	const data =
		entry.kind === 'file'
			? entry.data
			: entry.kind === 'symlink'
				? Buffer.from(entry.target, 'utf8')
				: new Uint8Array(0);
	if (data.length > MAX_FILE_BYTES) throw refuse(entry.path, 'it holds more than 4 GiB');
	pushRecord(parts, {
		name: entry.path,
		inode,
		mode: TYPE_BITS[entry.kind] | (permissions & 0o7777),
		links: entry.kind === 'directory' ? 2 : 1,
		data,
		major: entry.kind === 'character' ? entry.major : 0,
		minor: entry.kind === 'character' ? entry.minor : 0,
	});
}

interface CpioRecord {
	readonly name: string;
	readonly inode: number;
	readonly mode: number;
	readonly links: number;
	readonly data: Uint8Array;
	readonly major: number;
	readonly minor: number;
}

/** A header of thirteen eight-digit hexadecimal fields, the name, the data, each padded to four bytes. */
function pushRecord(parts: Buffer[], record: CpioRecord): void {
	const name = Buffer.from(`${record.name}\0`, 'utf8');
	const fields = [
		record.inode,
		record.mode,
		0, // uid
		0, // gid
		record.links,
		0, // mtime
		record.data.length,
		0, // device of the file system, major
		0, // and minor
		record.major,
		record.minor,
		name.length,
		0, // checksum: unused in this format
	];
	const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`, 'latin1');
	parts.push(header, name, Buffer.alloc(padding(header.length + name.length, 4)));
	parts.push(
		Buffer.from(record.data.buffer, record.data.byteOffset, record.data.byteLength),
		Buffer.alloc(padding(record.data.length, 4)),
	);
}

function padding(length: number, unit: number): number {
	return (unit - (length % unit)) % unit;
}

function refuse(path: string, why: string) {
	return usageError('ARCHIVE_ENTRY', `"${path}" cannot go into an initramfs: ${why}`);
}
