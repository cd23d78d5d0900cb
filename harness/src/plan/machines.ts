// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ARCHES } from '../core/architectures.js';
import { parseYaml } from '../core/yaml-source.js';

const name = z
	.string()
	.regex(/^[a-z0-9][a-z0-9._-]{0,40}$/, 'expected a short name of lower-case letters, digits, dots, dashes');
const word = z.string().regex(/^[^\s"]{1,200}$/, 'expected one word without spaces or quotes');

/** Fields of a machine as YAML has them; all optional, so that one machine may change another. */
const fields = {
	arches: z.array(z.enum(ARCHES)).min(1).optional(),
	cpu: z.union([word, z.strictObject({ x86_64: word.optional(), arm64: word.optional() })]).optional(),
	memoryMiB: z.int().min(32).max(1_048_576).optional(),
	smp: z.int().min(1).max(64).optional(),
	cma: z
		.union([
			z.literal(false),
			z.strictObject({
				sizeMiB: z.int().min(1).max(1_048_576),
				baseMiB: z.int().min(0).optional(),
				limitMiB: z.int().min(1).optional(),
			}),
		])
		.optional(),
	swiotlb: z
		.union([
			z.literal('force'),
			z.literal(false),
			z.strictObject({ force: z.literal(true), sizeMiB: z.int().min(1).max(1024) }),
		])
		.optional(),
	udmabuf: z.strictObject({ listLimit: z.int().min(1).optional(), sizeLimitMiB: z.int().min(1).optional() }).optional(),
	hugepages: z.int().min(0).max(65536).optional(),
	cmdline: z.array(word).optional(),
	heaps: z.array(z.string().regex(/^[^\s/]{1,64}$/)).optional(),
	provides: z.array(word).optional(),
	modules: z.array(z.string().regex(/^[A-Za-z0-9_-]{1,60}$/)).optional(),
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
