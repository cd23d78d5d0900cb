// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { GUEST_HARDWARE, type GuestHardware, memoryRangesMiB, PAGE_SIZES } from '../core/guest-hardware.js';
import type { PlannedMachine } from './machine-resolve.js';

/** Where a field of a machine stands, and whose it is: the beginning of every refusal. */
export type Say = (...path: readonly PropertyKey[]) => string;

/** Each of swiotlb's areas has 128 slots of 2 KiB at least (kernel/dma/swiotlb.c: round_up_default_nslabs()). */
const AREAS_PER_MIB = 4;

/** What follows from the size of a machine's pages; from the least where it does not say. */
export function pagesOf({ pageKiB }: PlannedMachine): (typeof PAGE_SIZES)[number] {
	return PAGE_SIZES.find((one) => one.pageKiB === pageKiB) ?? PAGE_SIZES[0];
}

/** A kernel's pages are of a size that the architecture has. */
export function checkPages({ pageKiB }: PlannedMachine, arch: Arch, say: Say): void {
	const { pageSizesKiB }: GuestHardware = GUEST_HARDWARE[arch];
	if (pageKiB === undefined || pageSizesKiB.includes(pageKiB)) return;
	throw usageError(
		'MACHINE_PAGES',
		`${say('pageKiB')}: pages of ${pageKiB} KiB are not to be had on ${arch}`,
		`${arch} has ${pageSizesKiB.join(', ')}; or say arches: [arm64]`,
	);
}

/** What is taken from memory at boot leaves a guest a quarter of it. */
export function checkReserved(machine: PlannedMachine, say: Say): void {
	const { cma, regions, swiotlb, hugepages, memoryMiB } = machine;
	const { hugePageMiB } = pagesOf(machine);
	const parts = [
		{ what: 'the CMA area', field: 'cma', sizeMiB: cma?.sizeMiB ?? 0 },
		{ what: 'the regions', field: 'regions', sizeMiB: regions.reduce((sum, { sizeMiB }) => sum + sizeMiB, 0) },
		{ what: 'the bounce buffers', field: 'swiotlb', sizeMiB: swiotlb?.sizeMiB ?? 0 },
	].filter(({ sizeMiB }) => sizeMiB > 0);
	const sizeMiB = parts.reduce((sum, part) => sum + part.sizeMiB, 0);
	const room = `${memoryMiB} MiB of memory`;
	if (sizeMiB * 4 > memoryMiB * 3) {
		const [largest] = [...parts].sort((one, other) => other.sizeMiB - one.sizeMiB);
		const one = parts.length === 1;
		throw usageError(
			'MACHINE_MEMORY',
			`${say(largest?.field ?? '')}: ${parts.map(({ what }) => what).join(' and ')}${one ? '' : ' together'} of ${sizeMiB} MiB ${one && largest?.field === 'cma' ? 'does' : 'do'} not fit into ${room}`,
			`keep it below three quarters of memoryMiB: ${Math.floor((memoryMiB * 3) / 4)} MiB`,
		);
	}
	if (hugepages * hugePageMiB * 4 > memoryMiB * 3) {
		throw usageError(
			'MACHINE_MEMORY',
			`${say('hugepages')}: ${hugepages} huge pages of ${hugePageMiB} MiB do not fit into ${room}`,
			`at most ${Math.floor((memoryMiB * 3) / 4 / hugePageMiB)} of them; or raise memoryMiB`,
		);
	}
}

/**
 * An area begins and ends where the kernel can make one. @param what names it, and where it is written
 * @throws usage error `code`
 */
export function requireWholeUnits(
	code: string,
	what: string,
	{ sizeMiB, baseMiB }: { readonly sizeMiB: number; readonly baseMiB?: number | undefined },
	machine: PlannedMachine,
): void {
	const { cmaUnitMiB } = pagesOf(machine);
	if (sizeMiB % cmaUnitMiB === 0 && (baseMiB ?? 0) % cmaUnitMiB === 0) return;
	throw usageError(
		code,
		`${what} of ${sizeMiB} MiB${baseMiB === undefined ? '' : ` at ${baseMiB} MiB`} is not made of whole ${cmaUnitMiB} MiB`,
		`sizeMiB and baseMiB are multiples of ${cmaUnitMiB}, as those of the kernel's areas are`,
	);
}

/** The area on the command line is what the kernel makes of it to the byte, and memory has a place for it. */
export function checkCmaPlace(machine: PlannedMachine, arch: Arch, say: Say): void {
	const { cma, memoryMiB } = machine;
	if (!cma) return;
	const { sizeMiB, baseMiB, limitMiB } = cma;
	requireWholeUnits('MACHINE_CMA', `${say('cma')}: a CMA area`, cma, machine);
	if (baseMiB === undefined && limitMiB === undefined) return;
	const fromMiB = baseMiB ?? 0;
	const toMiB = limitMiB ?? fromMiB + sizeMiB;
	const memory = memoryRangesMiB(arch, memoryMiB);
	if (memory.some(([begin, end]) => Math.min(toMiB, end) - Math.max(fromMiB, begin) >= sizeMiB)) return;
	throw usageError(
		'MACHINE_CMA',
		`${say('cma')}: a CMA area of ${sizeMiB} MiB has no place from ${fromMiB} to ${toMiB} MiB on ${arch}, where memory is ${memory.map(([begin, end]) => `${begin} to ${end} MiB`).join(' and ')}`,
		`baseMiB and limitMiB are physical addresses, and memory begins at ${GUEST_HARDWARE[arch].memoryBaseMiB} MiB; without them the kernel finds a place`,
	);
}

/** A pool that the kernel would round up is not the one that was asked for. */
export function checkSwiotlb({ swiotlb, smp }: PlannedMachine, say: Say): void {
	const sizeMiB = swiotlb?.sizeMiB;
	if (sizeMiB === undefined) return;
	const least = Math.max(1, 2 ** Math.ceil(Math.log2(smp)) / AREAS_PER_MIB);
	if (Number.isInteger(Math.log2(sizeMiB)) && sizeMiB >= least) return;
	throw usageError(
		'MACHINE_SWIOTLB',
		`${say('swiotlb')}: bounce buffers of ${sizeMiB} MiB, of which a kernel with ${smp} processors makes ${Math.max(least, 2 ** Math.ceil(Math.log2(sizeMiB)))} MiB`,
		`sizeMiB is a power of two, ${least} or more for ${smp} processors (smp)`,
	);
}
