// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { Capacity } from './dispatcher.js';

/** QEMU itself, beside its guest's memory: code, translated code (`tb-size`), devices. */
const QEMU_MIB = 192;
/** What the host keeps for everything else: this share of what is available, and never less than the floor. */
const RESERVED_SHARE = 0.15;
const RESERVED_FLOOR_MIB = 512;

/**
 * What this host has for guests, so that it never swaps: all that is available now (MemAvailable, proc(5)), less a
 * reserve. @param slots guests at once
 */
export async function hostCapacity(slots: number): Promise<Capacity> {
	const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
	const kiB = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN);
	const availableMiB = Number.isFinite(kiB) ? kiB / 1024 : totalmem() / 1024 ** 2 / 2;
	const reservedMiB = Math.max(RESERVED_FLOOR_MIB, availableMiB * RESERVED_SHARE);
	return { slots, memoryMiB: Math.max(0, Math.floor(availableMiB - reservedMiB)) };
}

/** Memory that a guest of this size can take of the host, MiB: a clone may write to all of it. */
export function guestMemoryMiB(memoryMiB: number): number {
	return memoryMiB + QEMU_MIB;
}
