// SPDX-License-Identifier: MIT
import { ARCHES, type Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import type { MachineFields, MachineLibrary } from './machines.js';

/** A machine with every field decided; the same shape as the machine room's declaration. */
export interface PlannedMachine {
	readonly name: string;
	readonly arches: readonly Arch[];
	readonly cpu: Readonly<Partial<Record<Arch, string>>>;
	readonly memoryMiB: number;
	readonly smp: number;
	readonly cma:
		| { readonly sizeMiB: number; readonly baseMiB?: number | undefined; readonly limitMiB?: number | undefined }
		| undefined;
	readonly swiotlb?: { readonly sizeMiB: number | undefined } | undefined;
	readonly udmabuf: { readonly listLimit?: number | undefined; readonly sizeLimitMiB?: number | undefined };
	readonly hugepages: number;
	readonly cmdline: readonly string[];
	readonly heaps: readonly string[];
	readonly provides: readonly string[];
	readonly modules: readonly string[];
}

const BARE: PlannedMachine = {
	name: '',
	arches: ARCHES,
	cpu: {},
	memoryMiB: 256,
	smp: 2,
	cma: undefined,
	udmabuf: {},
	hugepages: 0,
	cmdline: [],
	heaps: [],
	provides: [],
	modules: [],
};

/** The machine called `name`, with what it extends applied. @param where names the option or file position. */
export function resolveMachine(name: string, library: MachineLibrary, where: string): PlannedMachine {
	const chain: MachineFields[] = [];
	const seen = new Set<string>();
	for (let next: string | undefined = name; next !== undefined; ) {
		const fields: MachineFields | undefined = Object.hasOwn(library, next) ? library[next] : undefined;
		if (!fields) {
			const known = Object.keys(library);
			const meant = nearest(next, known);
			throw usageError(
				'MACHINE_UNKNOWN',
				`${where}: unknown machine "${next}"`,
				`${meant ? `did you mean ${meant}? ` : ''}known: ${known.join(', ')}`,
			);
		}
		if (seen.has(next))
			throw usageError('MACHINE_CIRCLE', `${where}: machine "${name}" extends itself through "${next}"`);
		seen.add(next);
		chain.unshift(fields);
		next = fields.extends;
	}
	const resolved = chain.reduce<PlannedMachine>(change, { ...BARE, name });
	if (resolved.cma && resolved.cma.sizeMiB * 4 > resolved.memoryMiB * 3) {
		throw usageError(
			'MACHINE_CMA',
			`${where}: machine "${name}": a CMA area of ${resolved.cma.sizeMiB} MiB does not fit into ${resolved.memoryMiB} MiB of memory`,
			'keep it below three quarters of memoryMiB',
		);
	}
	return resolved;
}

function change(base: PlannedMachine, fields: MachineFields): PlannedMachine {
	const { extends: _, cpu, cma, swiotlb, cmdline, ...plain } = fields;
	const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
	return {
		...base,
		...given,
		cpu: cpu === undefined ? base.cpu : typeof cpu === 'string' ? { x86_64: cpu, arm64: cpu } : definedOnly(cpu),
		swiotlb: swiotlb === undefined ? base.swiotlb : bounceBuffers(swiotlb),
		cma: cma === undefined ? base.cma : cma === false ? undefined : cma,
		cmdline: [...base.cmdline, ...(cmdline ?? [])],
	};
}

function bounceBuffers(swiotlb: Exclude<MachineFields['swiotlb'], undefined>): PlannedMachine['swiotlb'] {
	if (swiotlb === false) return undefined;
	return { sizeMiB: swiotlb === 'force' ? undefined : swiotlb.sizeMiB };
}

function definedOnly(cpu: Partial<Record<Arch, string | undefined>>): Partial<Record<Arch, string>> {
	return Object.fromEntries(Object.entries(cpu).filter(([, value]) => value !== undefined));
}
