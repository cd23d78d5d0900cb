// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { GUEST_HARDWARE, memoryRangesMiB } from '../core/guest-hardware.js';
import type { PlannedMachine } from './machine-resolve.js';

/** Where a field of a machine stands, and whose it is: the beginning of every refusal. */
export type Say = (...path: readonly PropertyKey[]) => string;

/** CMA areas are whole page blocks: 4 MiB where pages have 4 KiB (include/linux/cma.h: CMA_MIN_ALIGNMENT_BYTES, up to 6.x). */
export const CMA_UNIT_MIB = 4;
/** The default huge page of guests whose pages have 4 KiB; others are larger. */
const HUGE_PAGE_MIB = 2;
/** Each of swiotlb's areas has 128 slots of 2 KiB at least (kernel/dma/swiotlb.c: round_up_default_nslabs()). */
const AREAS_PER_MIB = 4;

/** What is taken from memory at boot leaves a guest a quarter of it. */
export function checkReserved({ cma, regions, swiotlb, hugepages, memoryMiB }: PlannedMachine, say: Say): void {
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
	if (hugepages * HUGE_PAGE_MIB * 4 > memoryMiB * 3) {
		throw usageError(
			'MACHINE_MEMORY',
			`${say('hugepages')}: ${hugepages} huge pages of ${HUGE_PAGE_MIB} MiB do not fit into ${room}`,
			`at most ${Math.floor((memoryMiB * 3) / 4 / HUGE_PAGE_MIB)} of them; or raise memoryMiB`,
		);
	}
}

/** The area on the command line is what the kernel makes of it to the byte, and memory has a place for it. */
export function checkCmaPlace({ cma, memoryMiB }: PlannedMachine, arch: Arch, say: Say): void {
	if (!cma) return;
	const { sizeMiB, baseMiB, limitMiB } = cma;
	if (sizeMiB % CMA_UNIT_MIB !== 0 || (baseMiB ?? 0) % CMA_UNIT_MIB !== 0) {
		throw usageError(
			'MACHINE_CMA',
			`${say('cma')}: a CMA area of ${sizeMiB} MiB${baseMiB === undefined ? '' : ` at ${baseMiB} MiB`} is not made of whole ${CMA_UNIT_MIB} MiB`,
			`sizeMiB and baseMiB are multiples of ${CMA_UNIT_MIB}; the kernel would make more of it`,
		);
	}
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
