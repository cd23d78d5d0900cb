// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { type CmaRegion, GUEST_HARDWARE, type GuestHardware, memoryEndMiB } from '../core/guest-hardware.js';
import type { PlannedMachine } from './machine-resolve.js';
import { checkCmaPlace, checkPages, checkReserved, checkSwiotlb, requireWholeUnits, type Say } from './memory-check.js';

/**
 * Whether a machine can be, on the architectures that it is wanted for: refused with the numbers while nothing has
 * been built or booted. @param where names the option, or the file position of a field. @throws usage errors MACHINE_*.
 */
export function checkMachine(machine: PlannedMachine, arches: readonly Arch[], where: Say): void {
	const say: Say = (...path) => `${where(...path)}: machine "${machine.name}"`;
	checkReserved(machine, say);
	checkSwiotlb(machine, say);
	for (const arch of arches) {
		checkPages(machine, arch, say);
		checkCmaPlace(machine, arch, say);
		checkIommu(machine, arch, say);
		checkDevices(machine, arch, say);
		if (machine.regions.length > 0) checkRegions(machine, arch, say);
	}
}

function checkIommu({ iommu }: PlannedMachine, arch: Arch, say: Say): void {
	const { iommus }: GuestHardware = GUEST_HARDWARE[arch];
	const asked = iommu[arch];
	if (asked === undefined || iommus.includes(asked)) return;
	throw usageError(
		'MACHINE_IOMMU',
		`${say('iommu')}: iommu ${asked} is not to be had on ${arch}`,
		`${arch} has ${iommus.join(', ')}; one for each architecture: iommu: { x86_64: intel, arm64: smmuv3 }; or say which are meant, arches: [...]`,
	);
}

function checkDevices({ devices, iommu }: PlannedMachine, arch: Arch, say: Say): void {
	const { memoryBaseMiB }: GuestHardware = GUEST_HARDWARE[arch];
	// The first address beyond 2^n needs n + 1 bits.
	const least = memoryBaseMiB === 0 ? 0 : Math.floor(Math.log2(memoryBaseMiB)) + 20 + 1;
	for (const [index, { model, maskBits }] of devices.entries()) {
		if (iommu[arch] !== undefined || maskBits >= least) continue;
		throw usageError(
			'MACHINE_MASK',
			`${say('devices', index)}: a device ${model} of ${maskBits} bits reaches no memory on ${arch}, where it begins at ${memoryBaseMiB} MiB`,
			`give it at least ${least} bits (maskBits), or an iommu`,
		);
	}
}

function checkRegions(machine: PlannedMachine, arch: Arch, say: Say): void {
	const { regions, memoryMiB, cma } = machine;
	const { deviceTree, memoryBaseMiB, bootMiB }: GuestHardware = GUEST_HARDWARE[arch];
	if (!deviceTree) {
		throw usageError(
			'MACHINE_REGIONS',
			`${say('regions')}: regions stand in a device tree, and ${arch} guests have none`,
			'there is one area on the command line: cma: { sizeMiB, baseMiB, limitMiB }; or say arches: [arm64]',
		);
	}
	const fromMiB = memoryBaseMiB + bootMiB;
	const endMiB = memoryEndMiB(arch, memoryMiB);
	const placed: CmaRegion[] = cma?.baseMiB !== undefined && !cma.limitMiB ? [{ name: 'cma', ...cma }] : [];
	for (const [index, region] of regions.entries()) {
		const { name, sizeMiB, baseMiB } = region;
		const said = say('regions', index);
		if (regions.some((other) => other !== region && other.name === name)) {
			throw usageError(
				'MACHINE_REGIONS',
				`${said}: two regions are called ${name}`,
				'a heap is known by its name alone',
			);
		}
		requireWholeUnits('MACHINE_REGIONS', `${said}: region ${name}`, region, machine);
		if (baseMiB === undefined) {
			if (!KERNEL_HEAPS.includes(name)) continue;
			throw usageError(
				'MACHINE_REGIONS',
				`${said}: region ${name} without baseMiB would be a heap of that name, which the kernel's own has`,
				`taken are ${KERNEL_HEAPS.join(', ')}; another name, or a baseMiB, which becomes a part of it`,
			);
		}
		if (baseMiB < fromMiB || baseMiB + sizeMiB > endMiB) {
			throw usageError(
				'MACHINE_REGIONS',
				`${said}: region ${name}, ${span(region)}, does not lie in the memory of ${arch} guests that is free at boot: ${fromMiB} to ${endMiB} MiB`,
				'move it, make it smaller, or raise memoryMiB; without baseMiB the kernel finds it a place',
			);
		}
		const other = placed.find((one) => baseMiB < placeOf(one) + one.sizeMiB && placeOf(one) < baseMiB + sizeMiB);
		if (other) {
			throw usageError(
				'MACHINE_REGIONS',
				`${said}: regions ${other.name}, ${span(other)}, and ${name}, ${span(region)}, overlap`,
				'move one of them (baseMiB)',
			);
		}
		placed.push(region);
	}
}

/** Names of heaps that kernels make by themselves (drivers/dma-buf/heaps). */
const KERNEL_HEAPS: readonly string[] = ['system', 'system_cc_shared', 'reserved', 'default_cma_region', 'linux,cma'];

const placeOf = ({ baseMiB }: CmaRegion) => baseMiB ?? 0;
const span = (region: CmaRegion) => `${placeOf(region)} to ${placeOf(region) + region.sizeMiB} MiB`;
