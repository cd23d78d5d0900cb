// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { FencepostError } from '../../../src/core/errors.js';
import { addRegions, nodeName } from '../../../src/machine/qemu/devicetree.js';
import { type FlatTree, readFlatTree, words, writeFlatTree } from '../../../src/machine/qemu/flat-tree.js';

const property = (name: string, value: Uint8Array | string) => ({
	name,
	value: typeof value === 'string' ? Buffer.from(`${value}\0`) : value,
});
const tree: FlatTree = {
	bootCpu: 0,
	reserved: [[0x4000_0000n, 0x1000n]],
	root: {
		name: '',
		properties: [
			property('#address-cells', words(2)),
			property('#size-cells', words(2)),
			property('compatible', 'acme,board'),
		],
		children: [
			{ name: 'chosen', properties: [], children: [] },
			{ name: 'memory@40000000', properties: [property('reg', words(0, 0x4000_0000, 0, 0x2000_0000))], children: [] },
		],
	},
};
const regions = [
	{ name: 'camera', sizeMiB: 16, baseMiB: 1280 },
	{ name: 'far', sizeMiB: 4, baseMiB: 8192 },
	{ name: 'display', sizeMiB: 32 },
];

t.test('a tree that is written is read back, with its regions', async (t) => {
	t.same(readFlatTree(writeFlatTree(tree)), tree);
	const grown = readFlatTree(writeFlatTree(addRegions(tree, regions)));
	const reserved = grown.root.children.find(({ name }) => name === 'reserved-memory');
	t.same(
		reserved?.children.map(({ name }) => name),
		['camera@50000000', 'far@200000000', 'display'],
	);
	t.same(regions.map(nodeName), ['camera@50000000', 'far@200000000', 'display']);
	const again = addRegions(grown, [{ name: 'video', sizeMiB: 8 }]);
	t.equal(again.root.children.filter(({ name }) => name === 'reserved-memory').length, 1, 'one node for all of them');
	t.equal(again.root.children.find(({ name }) => name === 'reserved-memory')?.children.length, 4);
});

t.test('dtc reads what is written as it is meant', async (t) => {
	if (spawnSync('dtc', ['--version']).error) {
		t.comment('dtc is not installed');
		return;
	}
	const file = join(t.testdir(), 'tree.dtb');
	await writeFile(file, writeFlatTree(addRegions(tree, regions)));
	const { stdout, status } = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts', file], { encoding: 'utf8' });
	t.equal(status, 0);
	t.match(stdout, /\/memreserve\/\s+0x0*40000000 0x0*1000;/);
	t.match(
		stdout,
		/reserved-memory \{\s+#address-cells = <0x02>;\s+#size-cells = <0x02>;\s+ranges;\s+camera@50000000 \{\s+compatible = "shared-dma-pool";\s+reusable;\s+reg = <0x00 0x50000000 0x00 0x1000000>;/,
	);
	t.match(stdout, /far@200000000 \{[^}]*reg = <0x02 0x00 0x00 0x400000>;/);
	t.match(stdout, /display \{[^}]*size = <0x00 0x2000000>;/);
});

t.test('what is no tree, or a broken one, is refused by what is wrong with it', async (t) => {
	const sound = writeFlatTree(tree);
	const changed = (at: number, value: number) => {
		const bytes = Buffer.from(sound);
		bytes.writeUInt32BE(value, at);
		return bytes;
	};
	const table: [Uint8Array, RegExp][] = [
		[new Uint8Array(), /it ends before byte 4/],
		[Buffer.from('not a tree, but some text'), /it does not begin as one/],
		[sound.subarray(0, 60), /it says it has \d+ bytes of 60/],
		[changed(4, 0xffff_ffff), /it says it has 4294967295 bytes/],
		[changed(20, 2), /it is of version 2/],
		[changed(8, 0xffff_fff0), /it ends before byte/],
		[new Uint8Array(17 * 1024 * 1024), /more than 16777216/],
	];
	for (const [bytes, message] of table) {
		try {
			readFlatTree(bytes);
			t.fail('it was read');
		} catch (error) {
			t.ok(error instanceof FencepostError && error.code === 'DEVICE_TREE', String(error));
			t.match(error instanceof Error ? error.message : '', message);
		}
	}
	let deep = Buffer.concat(Array.from({ length: 100 }, () => Buffer.concat([words(1), words(0)])));
	deep = Buffer.concat([
		words(0xd00dfeed, 56 + deep.length, 56, 56, 40, 17, 16, 0, 0, deep.length),
		words(0, 0, 0, 0),
		deep,
	]);
	t.throws(() => readFlatTree(deep), /nested more than 64 deep/);
});

t.test('whatever bytes come, a tree is read or refused', async (t) => {
	const sound = writeFlatTree(addRegions(tree, regions));
	fc.assert(
		fc.property(fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
			const bytes = Buffer.from(sound);
			for (const [at, value] of changes) bytes[at] = value;
			try {
				writeFlatTree(readFlatTree(bytes));
			} catch (error) {
				if (!(error instanceof FencepostError)) throw error;
			}
		}),
		{ numRuns: 500 },
	);
	t.pass();
});
