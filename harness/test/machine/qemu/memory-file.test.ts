// SPDX-License-Identifier: MIT
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openMemoryFile, packMemory, unpackMemory } from '../../../src/machine/qemu/memory-file.js';

const MIB = 1024 * 1024;

t.test('memory comes back as it was, and what is empty takes no room', async (t) => {
	const directory = t.testdir();
	const memory = await openMemoryFile(64 * MIB);
	await memory.truncate(64 * MIB);
	const parts: [number, Buffer][] = [
		[0, Buffer.from('first page')],
		[4 * MIB - 4096, Buffer.alloc(8192, 7)],
		[64 * MIB - 4096, Buffer.alloc(4096, 9)],
	];
	for (const [at, bytes] of parts) await memory.write(bytes, 0, bytes.length, at);
	const target = await open(join(directory, 'packed'), 'wx');
	await packMemory(memory, target);
	await target.close();
	const packed = await readFile(join(directory, 'packed'));
	t.ok(packed.length < 64 * 1024, `${packed.length} bytes`);
	const again = await openMemoryFile(64 * MIB);
	await unpackMemory(packed, again);
	t.equal((await again.stat()).size, 64 * MIB);
	const [one, two] = [Buffer.alloc(64 * MIB), Buffer.alloc(64 * MIB)];
	await memory.read(one, 0, one.length, 0);
	await again.read(two, 0, two.length, 0);
	t.ok(one.equals(two));
	t.equal((await again.stat()).nlink, 0, 'no name leads to it');
	const table: [string, Buffer][] = [
		['nothing', Buffer.alloc(0)],
		['another file', Buffer.alloc(100, 'x')],
		['cut short', packed.subarray(0, packed.length - 1)],
		['cut in a header', packed.subarray(0, 20)],
	];
	for (const [what, bytes] of table) {
		await t.rejects(unpackMemory(bytes, again), { code: 'TEMPLATE_DAMAGED', blame: 'infrastructure' }, what);
	}
	const beyond = Buffer.from(packed);
	beyond.writeBigUInt64LE(BigInt(65 * MIB), 16);
	await t.rejects(unpackMemory(beyond, again), { code: 'TEMPLATE_DAMAGED' }, 'a part beyond the end');
	await memory.close();
	await again.close();
});
