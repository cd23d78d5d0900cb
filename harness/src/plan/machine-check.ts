// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { type CmaRegion, GUEST_HARDWARE, type GuestHardware, memoryEndMiB } from '../core/guest-hardware.js';
import type { PlannedMachine } from './machine-resolve.js';

/** CMA areas are whole page blocks: 4 MiB where pages have 4 KiB (include/linux/cma.h: CMA_MIN_ALIGNMENT_BYTES, up to 6.x). */
const REGION_UNIT_MIB = 4;

/**
 * Whether a machine can be, on the architectures that it is wanted for: refused with the numbers while nothing has
 * been built or booted. @param where names the option or file position. @throws usage errors MACHINE_*.
 */
export function checkMachine(machine: PlannedMachine, arches: readonly Arch[], where: string): void {
	const said = `${where}: machine "${machine.name}"`;
	checkCma(machine, said);
	for (const arch of arches) {
		checkIommu(machine, arch, said);
		checkDevices(machine, arch, said);
		if (machine.regions.length > 0) checkRegions(machine, arch, said);
	}
}

function checkCma({ cma, regions, memoryMiB }: PlannedMachine, said: string): void {
	const ownMiB = cma?.sizeMiB ?? 0;
	const sizeMiB = regions.reduce((sum, region) => sum + region.sizeMiB, ownMiB);
	if (sizeMiB * 4 <= memoryMiB * 3) return;
	const what =
		regions.length === 0 ? 'a CMA area' : ownMiB > 0 ? 'the CMA area and the regions together' : 'the regions together';
	throw usageError(
		'MACHINE_CMA',
		`${said}: ${what} of ${sizeMiB} MiB ${regions.length === 0 ? 'does' : 'do'} not fit into ${memoryMiB} MiB of memory`,
		'keep it below three quarters of memoryMiB',
	);
}

function checkIommu({ iommu }: PlannedMachine, arch: Arch, said: string): void {
	const { iommus }: GuestHardware = GUEST_HARDWARE[arch];
	const asked = iommu[arch];
	if (asked === undefined || iommus.includes(asked)) return;
	throw usageError(
		'MACHINE_IOMMU',
		`${said}: iommu ${asked} is not to be had on ${arch}`,
		`${arch} has ${iommus.join(', ')}; one for each architecture: iommu: { x86_64: intel, arm64: smmuv3 }; or say which are meant, arches: [...]`,
	);
}

function checkDevices({ devices, iommu }: PlannedMachine, arch: Arch, said: string): void {
	const { memoryBaseMiB }: GuestHardware = GUEST_HARDWARE[arch];
	// The first address beyond 2^n needs n + 1 bits.
	const least = memoryBaseMiB === 0 ? 0 : Math.floor(Math.log2(memoryBaseMiB)) + 20 + 1;
	for (const { model, maskBits } of devices) {
		if (iommu[arch] !== undefined || maskBits >= least) continue;
		throw usageError(
			'MACHINE_MASK',
			`${said}: a device ${model} of ${maskBits} bits reaches no memory on ${arch}, where it begins at ${memoryBaseMiB} MiB`,
			`give it at least ${least} bits (maskBits), or an iommu`,
		);
	}
}

function checkRegions({ regions, memoryMiB, cma }: PlannedMachine, arch: Arch, said: string): void {
	const { deviceTree, memoryBaseMiB, bootMiB }: GuestHardware = GUEST_HARDWARE[arch];
	if (!deviceTree) {
		throw usageError(
			'MACHINE_REGIONS',
			`${said}: regions stand in a device tree, and ${arch} guests have none`,
			'there is one area on the command line: cma: { sizeMiB, baseMiB, limitMiB }; or say arches: [arm64]',
		);
	}
	const fromMiB = memoryBaseMiB + bootMiB;
	const endMiB = memoryEndMiB(arch, memoryMiB);
	const placed: CmaRegion[] = cma?.baseMiB !== undefined && !cma.limitMiB ? [{ name: 'cma', ...cma }] : [];
	for (const region of regions) {
		const { name, sizeMiB, baseMiB } = region;
		if (regions.some((other) => other !== region && other.name === name)) {
			throw usageError(
				'MACHINE_REGIONS',
				`${said}: two regions are called ${name}`,
				'a heap is known by its name alone',
			);
		}
		if (sizeMiB % REGION_UNIT_MIB !== 0 || (baseMiB ?? 0) % REGION_UNIT_MIB !== 0) {
			throw usageError(
				'MACHINE_REGIONS',
				`${said}: region ${name} of ${sizeMiB} MiB${baseMiB === undefined ? '' : ` at ${baseMiB} MiB`} is not made of whole ${REGION_UNIT_MIB} MiB`,
				`sizeMiB and baseMiB are multiples of ${REGION_UNIT_MIB}`,
			);
		}
		if (baseMiB === undefined) continue;
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

const placeOf = ({ baseMiB }: CmaRegion) => baseMiB ?? 0;
const span = (region: CmaRegion) => `${placeOf(region)} to ${placeOf(region) + region.sizeMiB} MiB`;
