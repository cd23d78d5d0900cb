// SPDX-License-Identifier: MIT
import { ARCHES, type Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import type { CmaRegion, Iommu, PageKiB, TestDevice } from '../core/guest-hardware.js';
import { nearest } from '../core/nearest.js';
import type { MachineFields, MachineLibrary } from './machines.js';

/** A machine with every field decided; the same shape as the machine room's declaration. */
export interface PlannedMachine {
	readonly name: string;
	readonly arches: readonly Arch[];
	readonly cpu: Readonly<Partial<Record<Arch, string>>>;
	readonly memoryMiB: number;
	readonly smp: number;
	readonly pageKiB?: PageKiB | undefined;
	readonly cma:
		| { readonly sizeMiB: number; readonly baseMiB?: number | undefined; readonly limitMiB?: number | undefined }
		| undefined;
	readonly regions: readonly CmaRegion[];
	readonly iommu: Readonly<Partial<Record<Arch, Iommu>>>;
	readonly devices: readonly TestDevice[];
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
	regions: [],
	iommu: {},
	devices: [],
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
	return chain.reduce<PlannedMachine>(change, { ...BARE, name });
}

function change(base: PlannedMachine, fields: MachineFields): PlannedMachine {
	const { extends: _, cpu, cma, swiotlb, iommu, devices, cmdline, ...plain } = fields;
	const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
	return {
		...base,
		...given,
		cpu: cpu === undefined ? base.cpu : typeof cpu === 'string' ? { x86_64: cpu, arm64: cpu } : definedOnly(cpu),
		iommu: iommu === undefined ? base.iommu : iommus(iommu),
		devices: devices === undefined ? base.devices : devices.map(testDevice),
		swiotlb: swiotlb === undefined ? base.swiotlb : bounceBuffers(swiotlb),
		cma: cma === undefined ? base.cma : cma === false ? undefined : cma,
		cmdline: [...base.cmdline, ...(cmdline ?? [])],
	};
}

function bounceBuffers(swiotlb: Exclude<MachineFields['swiotlb'], undefined>): PlannedMachine['swiotlb'] {
	if (swiotlb === false) return undefined;
	return { sizeMiB: swiotlb === 'force' ? undefined : swiotlb.sizeMiB };
}

function iommus(iommu: Exclude<MachineFields['iommu'], undefined>): PlannedMachine['iommu'] {
	if (iommu === false) return {};
	return typeof iommu === 'string' ? { x86_64: iommu, arm64: iommu } : definedOnly(iommu);
}

/** What drivers of real devices ask for most: 32 bits reach memory on every architecture. */
const USUAL_MASK_BITS = 32;

function testDevice(device: Exclude<MachineFields['devices'], undefined>[number]): TestDevice {
	return { model: 'edu', maskBits: device === 'edu' ? USUAL_MASK_BITS : device.edu.maskBits };
}

function definedOnly<T>(byArch: Partial<Record<Arch, T | undefined>>): Partial<Record<Arch, T>> {
	return Object.fromEntries(Object.entries(byArch).filter(([, value]) => value !== undefined)) as Partial<
		Record<Arch, T>
	>;
}
