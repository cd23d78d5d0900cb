// SPDX-License-Identifier: MIT
import { nowMs, sleep } from '../core/clock.js';
import type { Leak } from './verdict.js';

/** What a guest's kernel held at one moment, as far as leaks go: machine.ts's GuestAccounts is one. */
export interface Holdings {
	readonly dmaBufs: { readonly count: number; readonly bytes: number } | undefined;
	readonly dmaBufsLocked: boolean;
	readonly cmaUsedPages: ReadonlyMap<string, number>;
	readonly cmaUsedKiB: number;
	readonly memory:
		| {
				readonly totalKiB: number;
				readonly availableKiB: number;
				readonly slabUnreclaimableKiB: number;
				readonly shmemKiB: number;
		  }
		| undefined;
}

/** How often, in milliseconds, a guest is looked at again while something is missing. */
const LOOK_MS = 50;

/**
 * Slab: growth below this is what any new kind of work costs for good (partial slabs, KASAN's quarantine of up to 1/32 of
 * memory: mm/kasan/quarantine.c). All suites together grow it by less than 1 MiB on 6.12 and 7.3.
 */
const SLAB_LEAST_KIB = 8 * 1024;
const SLAB_PART = 1 / 24;
/**
 * Memory: per-CPU lists of free pages keep up to 1/8 of a zone for seconds after it was given back (mm/page_alloc.c:
 * MIN_PERCPU_PAGELIST_HIGH_FRACTION; 13.5 of 245 MiB were seen after a suite that had filled memory), and counters are
 * folded in lazily (mm/vmstat.c). Apart from that, all suites together take less than 2.5 MiB for good.
 */
const MEMORY_LEAST_KIB = 8 * 1024;
const MEMORY_PART = 1 / 8;

/**
 * What a program left behind, by what the kernel held before it and after it. Pure. dma-bufs and CMA pages are counted
 * exactly where the kernel has counters, so one page or one buffer too many is a leak; memory and slab are compared
 * with room for what any program costs, less what is explained otherwise (dma-bufs, CMA, files in tmpfs): a wrong fail
 * is worse than a leak seen a few runs later. Less than before is no leak: an earlier program's was given back, and may
 * hide one of this program's, which is why a guest in which something leaked is best not used again.
 */
export function findLeaks(before: Holdings, after: Holdings): readonly Leak[] {
	const leaks: Leak[] = [];
	const buffers = heldBuffers(before, after);
	if (buffers) leaks.push(buffers);
	leaks.push(...heldAreas(before, after));
	const memory = heldMemory(before, after);
	if (memory) leaks.push(memory);
	return leaks;
}

/**
 * Looks until nothing is missing any more, for up to `patienceMs`: the last reference to a file that a kernel thread
 * drops, a cycle of sockets that is collected, work that frees pages are all delayed. A leak is what stays.
 * @param read tells what the kernel holds now. @returns its last answer, and what is still missing by it
 */
export async function watchLeaks<H extends Holdings>(
	before: H,
	read: () => Promise<H>,
	patienceMs = 1000,
): Promise<{ readonly after: H; readonly leaks: readonly Leak[] }> {
	const giveUpMs = nowMs() + patienceMs;
	for (;;) {
		const after = await read();
		const leaks = findLeaks(before, after);
		if (leaks.length === 0 || nowMs() >= giveUpMs) return { after, leaks };
		await sleep(LOOK_MS);
	}
}

function heldBuffers(before: Holdings, after: Holdings): Leak | undefined {
	if (after.dmaBufsLocked) {
		if (before.dmaBufsLocked) return undefined;
		return {
			kind: 'dma-buf-lock',
			title: 'a lock is still held',
			detail: 'the list of dma-bufs cannot be read: the reservation lock of one of them was never released',
		};
	}
	if (!before.dmaBufs) return undefined;
	if (!after.dmaBufs) return unreadable('the list of dma-bufs');
	const more = after.dmaBufs.count - before.dmaBufs.count;
	if (more <= 0) return undefined;
	const bytes = after.dmaBufs.bytes - before.dmaBufs.bytes;
	return {
		kind: 'dma-buf',
		title: `${counted(more, 'dma-buf')} still listed`,
		detail:
			`${before.dmaBufs.count === 1 ? 'there was' : 'there were'} ${counted(before.dmaBufs.count, 'dma-buf')} ` +
			`(${before.dmaBufs.bytes} bytes) before, and there are ${after.dmaBufs.count} ` +
			`(${bytes >= 0 ? '+' : ''}${bytes} bytes) after`,
	};
}

function heldAreas(before: Holdings, after: Holdings): readonly Leak[] {
	const leaks: Leak[] = [];
	for (const [area, used] of before.cmaUsedPages) {
		const now = after.cmaUsedPages.get(area);
		if (now === undefined) leaks.push(unreadable(`the counter of the CMA area ${area}`));
		else if (now > used) {
			const title = `${counted(now - used, 'page')} of the CMA area ${area} not back`;
			leaks.push({ kind: 'cma', title, detail: `it had ${counted(used, 'page')} in use before, and ${now} after` });
		}
	}
	return leaks;
}

function heldMemory(before: Holdings, after: Holdings): Leak | undefined {
	if (!before.memory) return undefined;
	if (!after.memory) return unreadable('/proc/meminfo');
	const { totalKiB } = before.memory;
	const slabKiB = after.memory.slabUnreclaimableKiB - before.memory.slabUnreclaimableKiB;
	if (slabKiB > Math.max(SLAB_LEAST_KIB, totalKiB * SLAB_PART)) {
		return {
			kind: 'slab',
			title: `${mib(slabKiB)} MiB of slab not back`,
			detail: `unreclaimable slab grew from ${before.memory.slabUnreclaimableKiB} to ${after.memory.slabUnreclaimableKiB} KiB`,
		};
	}
	const known = [
		((after.dmaBufs?.bytes ?? 0) - (before.dmaBufs?.bytes ?? 0)) / 1024,
		after.cmaUsedKiB - before.cmaUsedKiB,
		after.memory.shmemKiB - before.memory.shmemKiB,
	];
	const explainedKiB = known.reduce((sum, one) => sum + Math.max(0, one), 0);
	const missingKiB = before.memory.availableKiB - after.memory.availableKiB - explainedKiB;
	if (missingKiB <= MEMORY_LEAST_KIB + totalKiB * MEMORY_PART) return undefined;
	return {
		kind: 'memory',
		title: `${mib(missingKiB)} MiB of memory not back`,
		detail:
			`${before.memory.availableKiB} KiB were available before and ${after.memory.availableKiB} KiB after; dma-bufs, ` +
			`CMA and files explain ${Math.round(explainedKiB)} KiB of it`,
	};
}

/** A program that takes /proc or debugfs away leaves a guest behind of which nothing can be said. */
function unreadable(what: string): Leak {
	return { kind: 'accounts', title: `${what} can no longer be read`, detail: 'it could before the program ran' };
}

function counted(n: number, what: string): string {
	return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function mib(kib: number): string {
	return (kib / 1024).toFixed(1);
}
