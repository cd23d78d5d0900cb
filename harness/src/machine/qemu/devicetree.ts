// SPDX-License-Identifier: MIT
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cache } from '../../core/cache.js';
import type { CmaRegion } from '../../core/guest-hardware.js';
import { contentId } from '../../core/hash.js';
import { run } from '../../core/process.js';
import type { Progress } from '../../core/progress.js';
import type { GuestSpec } from '../machine.js';
import { type Accelerator, qemuVersion } from './accelerator.js';
import { QEMU_ARCHITECTURES } from './architectures.js';
import { dumpTreeCommandLine } from './command-line.js';
import { type FlatTree, readFlatTree, type TreeNode, type TreeProperty, words, writeFlatTree } from './flat-tree.js';

/** Raised when what is added to a tree changes. */
const FORMAT = '1';
const DUMP_MS = 30_000;
const FILE = 'tree.dtb';

/**
 * What a guest is started from, with the device tree that its machine's regions need: QEMU's own, and they in it. It
 * is made once, and kept by everything it depends on.
 */
export async function withDeviceTree(
	spec: GuestSpec,
	accelerator: Accelerator,
	cache: Cache,
	progress: Progress,
): Promise<GuestSpec> {
	const { regions = [] } = spec.machine;
	if (regions.length === 0) return spec;
	const command = dumpTreeCommandLine(spec, accelerator, FILE);
	const parts = { format: FORMAT, qemu: await qemuVersion(spec.arch), command: JSON.stringify(command) };
	const id = contentId({ ...parts, regions: JSON.stringify(regions) });
	const { path } = await cache.entry('device-trees', id, progress, async (directory) => {
		const tree = addRegions(readFlatTree(await dumpTree(spec, accelerator)), regions);
		await writeFile(join(directory, FILE), writeFlatTree(tree));
		return { regions: regions.map(nodeName).join(' ') };
	});
	return { ...spec, deviceTree: join(path, FILE) };
}

/** QEMU's own tree of a machine. Nothing runs: QEMU writes it and ends (qemu(1), -machine dumpdtb=). */
async function dumpTree(spec: GuestSpec, accelerator: Accelerator): Promise<Buffer> {
	const directory = await mkdtemp(join(tmpdir(), 'fencepost-tree-'));
	try {
		const file = join(directory, FILE);
		const [binary = '', ...args] = dumpTreeCommandLine(spec, accelerator, file);
		await run(binary, args, { package: QEMU_ARCHITECTURES[spec.arch].package, timeoutMs: DUMP_MS });
		return await readFile(file);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

/** The node's name: with its address, where it has one. */
export function nodeName({ name, baseMiB }: CmaRegion): string {
	return baseMiB === undefined ? name : `${name}@${(baseMiB * 1024 * 1024).toString(16)}`;
}

const RESERVED = 'reserved-memory';

/** The tree with each region as a reusable pool (Documentation/devicetree/bindings/reserved-memory/shared-dma-pool.yaml). */
export function addRegions(tree: FlatTree, regions: readonly CmaRegion[]): FlatTree {
	const { root } = tree;
	const known = root.children.find(({ name }) => name === RESERVED);
	const parent: TreeNode = known ?? {
		name: RESERVED,
		properties: [
			property('#address-cells', words(2)),
			property('#size-cells', words(2)),
			property('ranges', new Uint8Array()),
		],
		children: [],
	};
	const grown = { ...parent, children: [...parent.children, ...regions.map(regionNode)] };
	return { ...tree, root: { ...root, children: [...root.children.filter((node) => node !== known), grown] } };
}

function regionNode(region: CmaRegion): TreeNode {
	const { sizeMiB, baseMiB } = region;
	const place =
		baseMiB === undefined
			? [property('size', bytesOf(sizeMiB))]
			: [property('reg', Buffer.concat([bytesOf(baseMiB), bytesOf(sizeMiB)]))];
	return {
		name: nodeName(region),
		properties: [property('compatible', 'shared-dma-pool'), property('reusable', new Uint8Array()), ...place],
		children: [],
	};
}

/** A number of MiB in bytes, as two cells. */
function bytesOf(mebibytes: number): Buffer {
	const bytes = BigInt(mebibytes) << 20n;
	return words(Number(bytes >> 32n), Number(bytes & 0xffff_ffffn));
}

function property(name: string, value: Uint8Array | string): TreeProperty {
	return { name, value: typeof value === 'string' ? Buffer.from(`${value}\0`, 'latin1') : value };
}
