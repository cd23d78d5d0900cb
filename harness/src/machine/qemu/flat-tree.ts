// SPDX-License-Identifier: MIT
import { infrastructureError } from '../../core/errors.js';

/** A node of a device tree. Names of nodes have their addresses; the root's is empty. */
export interface TreeNode {
	readonly name: string;
	readonly properties: readonly TreeProperty[];
	readonly children: readonly TreeNode[];
}

export interface TreeProperty {
	readonly name: string;
	readonly value: Uint8Array;
}

/** A flattened device tree (Devicetree Specification 0.4, chapter 5), unpacked. */
export interface FlatTree {
	readonly bootCpu: number;
	/** Memory that must not be touched: address and size. */
	readonly reserved: readonly (readonly [address: bigint, size: bigint])[];
	readonly root: TreeNode;
}

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const COMPATIBLE_VERSION = 16;
const HEADER_BYTES = 40;
const TOKEN = { beginNode: 1, endNode: 2, property: 3, nothing: 4, end: 9 } as const;
/** QEMU's own trees have 1 MiB of room (hw/arm/virt.c), and a few levels. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 64;
const MAX_NAME_BYTES = 256;

/** Reads a tree. @throws FencepostError DEVICE_TREE saying what at which byte makes no sense. */
export function readFlatTree(bytes: Uint8Array): FlatTree {
	const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (file.length > MAX_BYTES) throw damaged(`it has ${file.length} bytes, more than ${MAX_BYTES}`);
	if (word(file, 0) !== MAGIC) throw damaged('it does not begin as one');
	const totalBytes = word(file, 4);
	if (totalBytes < HEADER_BYTES || totalBytes > file.length)
		throw damaged(`it says it has ${totalBytes} bytes of ${file.length}`);
	if (word(file, 24) > VERSION || word(file, 20) < COMPATIBLE_VERSION) {
		throw damaged(`it is of version ${word(file, 20)}, readable from ${word(file, 24)} on`);
	}
	const tree = file.subarray(0, totalBytes);
	const reader = new StructureReader(tree, word(tree, 8), word(tree, 12));
	return { bootCpu: word(tree, 28), reserved: readReserved(tree, word(tree, 16)), root: reader.read() };
}

function readReserved(tree: Buffer, start: number): (readonly [bigint, bigint])[] {
	const reserved: (readonly [bigint, bigint])[] = [];
	for (let at = start; ; at += 16) {
		if (at + 16 > tree.length) throw damaged(`its list of reserved memory, from byte ${start} on, has no end`);
		const entry = [tree.readBigUInt64BE(at), tree.readBigUInt64BE(at + 8)] as const;
		if (entry[0] === 0n && entry[1] === 0n) return reserved;
		reserved.push(entry);
	}
}

class StructureReader {
	constructor(
		private readonly tree: Buffer,
		private at: number,
		private readonly strings: number,
	) {}

	read(): TreeNode {
		const start = this.at;
		if (this.token() !== TOKEN.beginNode) throw damaged(`no node begins at byte ${start}`);
		const root = this.node(0);
		const end = this.at;
		if (this.token() !== TOKEN.end) throw damaged(`more than one root, at byte ${end}`);
		return root;
	}

	/** The next token but those that mean nothing. */
	private token(): number {
		for (;;) {
			const token = word(this.tree, this.at);
			this.at += 4;
			if (token !== TOKEN.nothing) return token;
		}
	}

	private node(depth: number): TreeNode {
		if (depth > MAX_DEPTH) throw damaged(`its nodes are nested more than ${MAX_DEPTH} deep at byte ${this.at}`);
		const name = text(this.tree, this.at);
		this.at = aligned(this.at + Buffer.byteLength(name, 'latin1') + 1);
		const properties: TreeProperty[] = [];
		const children: TreeNode[] = [];
		for (;;) {
			const start = this.at;
			const token = this.token();
			if (token === TOKEN.endNode) return { name, properties, children };
			if (token === TOKEN.beginNode) children.push(this.node(depth + 1));
			else if (token === TOKEN.property) properties.push(this.property());
			else throw damaged(`token ${token} at byte ${start}`);
		}
	}

	private property(): TreeProperty {
		const [length, name] = [word(this.tree, this.at), word(this.tree, this.at + 4)];
		const from = this.at + 8;
		if (from + length > this.tree.length) throw damaged(`a property of ${length} bytes at byte ${from}`);
		this.at = aligned(from + length);
		return { name: text(this.tree, this.strings + name), value: this.tree.subarray(from, from + length) };
	}
}

function word(bytes: Buffer, at: number): number {
	if (at < 0 || at + 4 > bytes.length) throw damaged(`it ends before byte ${at + 4}`);
	return bytes.readUInt32BE(at);
}

function text(bytes: Buffer, at: number): string {
	const end = bytes.subarray(at, at + MAX_NAME_BYTES).indexOf(0);
	if (end < 0) throw damaged(`a name at byte ${at} has no end`);
	return bytes.toString('latin1', at, at + end);
}

const aligned = (at: number) => (at + 3) & ~3;

function damaged(what: string) {
	return infrastructureError('DEVICE_TREE', `a device tree cannot be read: ${what}`);
}

/** Writes a tree, version 17, no longer than it must be. */
export function writeFlatTree({ bootCpu, reserved, root }: FlatTree): Buffer {
	const strings = new StringBlock();
	const structure = Buffer.concat([...nodeParts(root, strings), words(TOKEN.end)]);
	const list = [...reserved, [0n, 0n] as const].map(([address, size]) => {
		const entry = Buffer.alloc(16);
		entry.writeBigUInt64BE(address);
		entry.writeBigUInt64BE(size, 8);
		return entry;
	});
	const structureAt = HEADER_BYTES + 16 * list.length;
	const stringsAt = structureAt + structure.length;
	const names = strings.bytes();
	const header = words(
		...[MAGIC, stringsAt + names.length, structureAt, stringsAt, HEADER_BYTES, VERSION, COMPATIBLE_VERSION],
		...[bootCpu, names.length, structure.length],
	);
	return Buffer.concat([header, ...list, structure, names]);
}

/** Names of properties, each once. */
class StringBlock {
	private readonly offsets = new Map<string, number>();
	private readonly parts: Buffer[] = [];
	private used = 0;

	offset(name: string): number {
		const known = this.offsets.get(name);
		if (known !== undefined) return known;
		const offset = this.used;
		this.offsets.set(name, offset);
		const part = Buffer.from(`${name}\0`, 'latin1');
		this.parts.push(part);
		this.used += part.length;
		return offset;
	}

	bytes(): Buffer {
		return Buffer.concat(this.parts);
	}
}

function nodeParts({ name, properties, children }: TreeNode, strings: StringBlock): Buffer[] {
	return [
		words(TOKEN.beginNode),
		padded(Buffer.from(`${name}\0`, 'latin1')),
		...properties.flatMap((property) => [
			words(TOKEN.property, property.value.length, strings.offset(property.name)),
			padded(property.value),
		]),
		...children.flatMap((child) => nodeParts(child, strings)),
		words(TOKEN.endNode),
	];
}

/** Cells: big-endian words of 32 bits. */
export function words(...values: readonly number[]): Buffer {
	const bytes = Buffer.alloc(4 * values.length);
	for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
	return bytes;
}

function padded(bytes: Uint8Array): Buffer {
	return Buffer.concat([bytes], aligned(bytes.length));
}
