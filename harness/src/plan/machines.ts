// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ARCHES } from '../core/architectures.js';
import { IOMMUS, PAGE_SIZES } from '../core/guest-hardware.js';
import { parseYaml } from '../core/yaml-source.js';

const name = z
	.string()
	.regex(/^[a-z0-9][a-z0-9._-]{0,40}$/, 'expected a short name of lower-case letters, digits, dots, dashes');
const word = z
	.string()
	.regex(/^[\x21\x23-\x7e]{1,200}$/, 'expected one word without spaces or quotes, of plain characters');

/** A node's name in a device tree (Devicetree Specification, 2.2.1): its address is added here. */
const nodeName = z
	.string()
	.regex(
		/^[A-Za-z][A-Za-z0-9,._+-]{0,30}$/,
		'expected a device tree node name: a letter, then up to 30 letters, digits and , . _ + - (its address is added)',
	);
const iommu = z.enum(IOMMUS);
/** 44 bits of an address and more: beyond what any guest has. */
const MAX_ADDRESS_MIB = 16_777_216;
/** Both limits are an int of udmabuf's (drivers/dma-buf/udmabuf.c: module_param). */
const MAX_INT = 2_147_483_647;
const mebibytes = z.int().min(1).max(1_048_576);

/** Fields of a machine as YAML has them; all optional, so that one machine may change another. */
const fields = {
	arches: z.array(z.enum(ARCHES)).min(1, 'expected one architecture at least').optional(),
	cpu: z.union([word, z.strictObject({ x86_64: word.optional(), arm64: word.optional() })]).optional(),
	memoryMiB: z.int().min(32).max(1_048_576).optional(),
	pageKiB: z.literal(PAGE_SIZES.map(({ pageKiB }) => pageKiB)).optional(),
	smp: z.int().min(1).max(64).optional(),
	cma: z
		.union([
			z.literal(false),
			z.strictObject({
				sizeMiB: z.int().min(1).max(1_048_576),
				baseMiB: z.int().min(0).max(MAX_ADDRESS_MIB).optional(),
				limitMiB: z.int().min(1).max(MAX_ADDRESS_MIB).optional(),
			}),
		])
		.optional(),
	regions: z
		.array(
			z.strictObject({ name: nodeName, sizeMiB: mebibytes, baseMiB: z.int().min(0).max(MAX_ADDRESS_MIB).optional() }),
		)
		.max(6, 'expected at most 6 regions: a kernel has room for 7 CMA areas')
		.optional(),
	iommu: z
		.union([z.literal(false), iommu, z.strictObject({ x86_64: iommu.optional(), arm64: iommu.optional() })])
		.optional(),
	devices: z
		.array(z.union([z.literal('edu'), z.strictObject({ edu: z.strictObject({ maskBits: z.int().min(24).max(64) }) })]))
		.max(4, 'expected at most 4 devices')
		.optional(),
	swiotlb: z
		.union([
			z.literal('force'),
			z.literal(false),
			z.strictObject({ force: z.literal(true), sizeMiB: z.int().min(1).max(1024) }),
		])
		.optional(),
	udmabuf: z
		.strictObject({
			listLimit: z.int().min(1).max(MAX_INT).optional(),
			sizeLimitMiB: z.int().min(1).max(MAX_INT).optional(),
		})
		.optional(),
	hugepages: z.int().min(0).max(65536).optional(),
	cmdline: z.array(word).optional(),
	heaps: z
		.array(z.string().regex(/^[^\s/]{1,64}$/, "expected a heap's name: a file in /dev/dma_heap, up to 64 characters"))
		.optional(),
	provides: z.array(z.enum(['sw_sync', 'udmabuf', 'debugfs'])).optional(),
	modules: z
		.array(z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, 'expected the name of a kernel module: letters, digits, _ and -'))
		.optional(),
};

const machineSchema = z.strictObject({ extends: name.optional(), ...fields });
export const inlineMachineSchema = z.strictObject({ name, extends: name.optional(), ...fields });
const librarySchema = z.record(name, machineSchema);

export type MachineFields = z.infer<typeof machineSchema>;
export type MachineLibrary = Readonly<Record<string, MachineFields>>;

/** The ready-made machines: kernels/machines.yaml. */
export async function loadMachineLibrary(file: string): Promise<MachineLibrary> {
	return parseYaml(await readFile(file, 'utf8'), file, librarySchema).value;
}
