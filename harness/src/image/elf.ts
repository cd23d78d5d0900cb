// SPDX-License-Identifier: MIT
import { usageError } from '../core/errors.js';

/** What a program's headers say: as much as decides whether a guest can run it. */
export interface ElfFacts {
	readonly bits: 32 | 64;
	readonly littleEndian: boolean;
	readonly type: 'relocatable' | 'executable' | 'shared' | 'core' | 'other';
	/** e_machine (elf(5)): 62 x86-64, 183 AArch64. */
	readonly machine: number;
	/** The program interpreter (PT_INTERP) it asks for. */
	readonly interpreter: string | undefined;
	/**
	 * `static`: runs by itself, position-independent ones included. `dynamic`: needs an interpreter or other
	 * libraries. `library`: a shared object that is no program. `none`: not linked at all (an object file, a core).
	 */
	readonly linkage: 'static' | 'dynamic' | 'library' | 'none';
}

/** Field offsets of the two classes: the ELF header, a program header, a dynamic entry (System V ABI, chapters 4 and 5). */
const LAYOUT = {
	32: { header: 52, entry: 24, phoff: 28, phentsize: 42, phnum: 44, segment: 32, offset: 4, size: 16, dynamic: 8 },
	64: { header: 64, entry: 24, phoff: 32, phentsize: 54, phnum: 56, segment: 56, offset: 8, size: 32, dynamic: 16 },
} as const;

const TYPES = ['other', 'relocatable', 'executable', 'shared', 'core'] as const;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_FLAGS_1 = 0x6ffffffb;
const DF_1_PIE = 0x08000000;
const MAX_INTERPRETER_BYTES = 4096;

/**
 * Reads the headers of a file nobody vouched for: every offset and count is checked against the bytes there are.
 * @throws FencepostError ELF_MALFORMED when it is no ELF file, or one cut short or damaged.
 */
export function inspectElf(bytes: Uint8Array): ElfFacts {
	const reader = new ElfReader(bytes);
	const { bits, layout } = reader;
	const type = TYPES[reader.u16(16)] ?? 'other';
	const machine = reader.u16(18);
	let interpreter: string | undefined;
	let hasNeeded = false;
	let saysPie = false;
	for (const segment of reader.segments()) {
		if (segment.type === PT_INTERP) interpreter = reader.text(segment.offset, segment.size);
		if (segment.type === PT_DYNAMIC) {
			for (let at = 0; at + layout.dynamic <= segment.size; at += layout.dynamic) {
				const tag = reader.word(segment.offset + at);
				if (tag === 0) break;
				if (tag === DT_NEEDED) hasNeeded = true;
				if (tag === DT_FLAGS_1) saysPie = (reader.word(segment.offset + at + layout.dynamic / 2) & DF_1_PIE) !== 0;
			}
		}
	}
	const isProgram = type === 'executable' || (type === 'shared' && (saysPie || interpreter !== undefined));
	const linkage =
		type !== 'executable' && type !== 'shared'
			? 'none'
			: !isProgram
				? 'library'
				: interpreter !== undefined || hasNeeded
					? 'dynamic'
					: 'static';
	return { bits, littleEndian: reader.littleEndian, type, machine, interpreter, linkage };
}

interface Segment {
	readonly type: number;
	readonly offset: number;
	readonly size: number;
}

class ElfReader {
	readonly bits: 32 | 64;
	readonly littleEndian: boolean;
	readonly layout: (typeof LAYOUT)[32 | 64];
	private readonly view: DataView;

	constructor(private readonly bytes: Uint8Array) {
		this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		if (bytes.length < 4 || this.view.getUint32(0) !== 0x7f454c46)
			throw malformed('it does not begin like an ELF file');
		const [kind, order] = [bytes[4], bytes[5]];
		if (kind !== 1 && kind !== 2) throw malformed(`its class is ${kind ?? 'missing'}, neither 32 nor 64 bit`);
		if (order !== 1 && order !== 2) throw malformed(`its byte order is ${order ?? 'missing'}, neither little nor big`);
		this.bits = kind === 2 ? 64 : 32;
		this.littleEndian = order === 1;
		this.layout = LAYOUT[this.bits];
		if (bytes.length < this.layout.header) throw malformed('it ends within its header');
	}

	u16(at: number): number {
		return this.view.getUint16(this.within(at, 2), this.littleEndian);
	}

	/** A word of the file's class. Offsets beyond 2^53 come out inexact, and far outside any file. */
	word(at: number): number {
		if (this.bits === 32) return this.view.getUint32(this.within(at, 4), this.littleEndian);
		return Number(this.view.getBigUint64(this.within(at, 8), this.littleEndian));
	}

	text(at: number, size: number): string {
		if (size > MAX_INTERPRETER_BYTES) throw malformed(`its interpreter's name is ${size} bytes long`);
		const start = this.within(at, size);
		return Buffer.from(this.bytes.subarray(start, start + size))
			.toString('latin1')
			.replace(/\0.*$/s, '');
	}

	*segments(): Generator<Segment> {
		const { phoff, phentsize, phnum, segment, offset, size } = this.layout;
		const count = this.u16(phnum);
		const entryBytes = this.u16(phentsize);
		const table = this.word(phoff);
		if (count > 0 && entryBytes !== segment) throw malformed(`its program headers are ${entryBytes} bytes long`);
		for (let index = 0; index < count; index++) {
			const at = this.within(table + index * segment, segment);
			yield {
				type: this.view.getUint32(at, this.littleEndian),
				offset: this.word(at + offset),
				size: this.word(at + size),
			};
		}
	}

	private within(at: number, size: number): number {
		if (!(at >= 0 && at + size <= this.bytes.length)) throw malformed('its headers point outside the file');
		return at;
	}
}

function malformed(why: string) {
	return usageError('ELF_MALFORMED', `not a sound ELF file: ${why}`);
}
