// SPDX-License-Identifier: MIT
import { ARCHITECTURES, type Arch } from '../core/architectures.js';

/** Where something lies in a file, bytes. */
export interface ByteRange {
	readonly offset: number;
	readonly size: number;
}

/** What a file's first bytes say it is. `packed`: gzip around something else; `zboot`: an EFI program around an Image. */
export type ImageFormat =
	| { readonly kind: 'bzImage'; readonly arch: 'x86_64'; readonly release: string | undefined }
	| { readonly kind: 'vmlinux'; readonly arch: Arch; readonly notes: readonly ByteRange[] }
	| { readonly kind: 'Image'; readonly arch: 'arm64' }
	| { readonly kind: 'packed' }
	| { readonly kind: 'zboot'; readonly offset: number; readonly size: number; readonly compression: string }
	| { readonly kind: 'other'; readonly description: string };

/** Note of a vmlinux that can be entered directly (XEN_ELFNOTE_PHYS32_ENTRY, xen/include/public/elfnote.h). */
const PHYS32_ENTRY = 18;
const PT_NOTE = 4;

/** Bytes of a file's beginning that identifyImage wants to see. */
export const IMAGE_HEAD_BYTES = 1024 * 1024;

/** Recognizes a kernel image by its beginning. Any bytes are fine; nothing is read beyond them. */
export function identifyImage(head: Buffer): ImageFormat {
	if (head.length >= 4 && head.readUInt32BE(0) === 0x7f454c46) return identifyElf(head);
	if (head.length >= 0x250 && head.toString('latin1', 0x202, 0x206) === 'HdrS') return identifyBzImage(head);
	// Documentation/arch/arm64/booting.rst: magic "ARM\x64" at 56.
	if (head.length >= 64 && head.toString('latin1', 56, 60) === 'ARM\x64') return { kind: 'Image', arch: 'arm64' };
	// drivers/firmware/efi/libstub/zboot-header.S: "zimg" at 4, payload at 8 and 12, its compression at 24.
	if (head.length >= 64 && head.toString('latin1', 0, 2) === 'MZ' && head.toString('latin1', 4, 8) === 'zimg') {
		return {
			kind: 'zboot',
			offset: head.readUInt32LE(8),
			size: head.readUInt32LE(12),
			compression: head.toString('latin1', 24, 56).split('\0')[0] ?? '',
		};
	}
	if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return { kind: 'packed' };
	return { kind: 'other', description: describe(head) };
}

/** Documentation/arch/x86/boot.rst: fields of the real-mode header. */
function identifyBzImage(head: Buffer): ImageFormat {
	const protocol = head.readUInt16LE(0x206);
	const runs64 = protocol >= 0x20c && (head.readUInt16LE(0x236) & 1) === 1;
	if (!runs64) return { kind: 'other', description: 'a bzImage of a 32-bit x86 kernel' };
	const pointer = head.readUInt16LE(0x20e);
	const start = pointer === 0 ? head.length : 0x200 + pointer;
	const words = head.toString('latin1', start, start + 256).split('\0')[0] ?? '';
	return { kind: 'bzImage', arch: 'x86_64', release: words.split(' ')[0] || undefined };
}

function identifyElf(head: Buffer): ImageFormat {
	if (head.length < 64 || head[4] !== 2 || head[5] !== 1) {
		return {
			kind: 'other',
			description: head[4] === 1 ? 'a 32-bit ELF file' : 'an ELF file that is not little-endian 64-bit',
		};
	}
	const [type, machine] = [head.readUInt16LE(16), head.readUInt16LE(18)];
	const arch = Object.values(ARCHITECTURES).find(({ elfMachine }) => elfMachine === machine)?.arch;
	if (!arch) return { kind: 'other', description: `an ELF file for machine ${machine} (elf(5))` };
	const segments = [...programHeaders(head)];
	if (type === 1) return { kind: 'other', description: 'an ELF object file' };
	if (segments.some((segment) => segment.type === 3)) {
		return { kind: 'other', description: `a dynamically linked ${arch} program` };
	}
	// A kernel is linked to run in the upper half of the address space; a static program never is.
	if (!segments.some((segment) => segment.type === 1 && segment.virtualHigh)) {
		return { kind: 'other', description: `a static ${arch} program` };
	}
	return { kind: 'vmlinux', arch, notes: segments.filter(({ type }) => type === PT_NOTE) };
}

function* programHeaders(head: Buffer) {
	const start = Number(head.readBigUInt64LE(32));
	const [entryBytes, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
	if (entryBytes < 56) return;
	for (let index = 0; index < count; index++) {
		const at = start + index * entryBytes;
		if (at + 56 > head.length) return;
		yield {
			type: head.readUInt32LE(at),
			offset: Number(head.readBigUInt64LE(at + 8)),
			virtualHigh: head.readBigUInt64LE(at + 16) >= 0x8000_0000_0000_0000n,
			size: Number(head.readBigUInt64LE(at + 32)),
		};
	}
}

/** Whether the notes of a vmlinux hold an entry point for PVH, the one QEMU's -kernel needs. */
export function hasPvhNote(notes: Buffer): boolean {
	for (let at = 0; at + 16 <= notes.length; ) {
		const [nameBytes, dataBytes, type] = [
			notes.readUInt32LE(at),
			notes.readUInt32LE(at + 4),
			notes.readUInt32LE(at + 8),
		];
		if (type === PHYS32_ENTRY && notes.toString('latin1', at + 12, at + 15) === 'Xen') return true;
		at += 12 + align4(nameBytes) + align4(dataBytes);
	}
	return false;
}

const align4 = (bytes: number) => Math.ceil(bytes / 4) * 4;

function describe(head: Buffer): string {
	if (head.length === 0) return 'an empty file';
	const text = (at: number, bytes: number) => head.toString('latin1', at, at + bytes);
	if (text(0, 8) === '!<arch>\n') return 'an archive (a .deb or .a file)';
	if (text(0, 6) === '\xfd7zXZ\0') return 'an xz-compressed file';
	if (text(0, 4) === '\x28\xb5\x2f\xfd') return 'a zstd-compressed file';
	if (text(0, 6) === '070701') return 'a cpio archive (an initramfs?)';
	if (text(0, 2) === 'MZ') return 'an EFI or Windows program';
	if (text(0, 2) === '#!') return 'a script';
	if (/^[\t\n\r\x20-\x7e]*$/.test(text(0, 512))) return 'a text file';
	return `unknown data (it begins with ${head.subarray(0, 8).toString('hex')})`;
}
