// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { infrastructureError } from '../core/errors.js';
import type { MachineDeclaration } from '../machine/machine.js';
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
	const availableMiB = (await meminfoMiB('MemAvailable')) ?? totalMiB() / 2;
	const reservedMiB = Math.max(RESERVED_FLOOR_MIB, availableMiB * RESERVED_SHARE);
	return { slots, memoryMiB: Math.max(0, Math.floor(availableMiB - reservedMiB)) };
}

/** Memory that a guest of this size can take of the host, MiB: a clone may write to all of it. */
export function guestMemoryMiB(memoryMiB: number): number {
	return memoryMiB + QEMU_MIB;
}

/** All memory of this host, MiB, with what it may swap out: the most that the kernel lets a process ask for at once. */
export async function hostMemoryMiB(): Promise<number> {
	return Math.floor(((await meminfoMiB('MemTotal')) ?? totalMiB()) + ((await meminfoMiB('SwapTotal')) ?? 0));
}

/** Why a machine's guests cannot be on a host with that much memory; undefined where they can. */
export function beyondHost({ name, memoryMiB }: MachineDeclaration, hostMiB: number): Error | undefined {
	if (guestMemoryMiB(memoryMiB) <= hostMiB) return undefined;
	return infrastructureError(
		'HOST_MEMORY',
		`machine ${name} has ${memoryMiB} MiB of memory, this host ${hostMiB} MiB, and QEMU takes ${QEMU_MIB} MiB itself`,
		{ hint: 'give the machine less (memoryMiB), choose another (--machine), or run it on a larger host' },
	);
}

function totalMiB(): number {
	return totalmem() / 1024 ** 2;
}

/** A figure of /proc/meminfo; undefined where there is none. */
async function meminfoMiB(name: string): Promise<number | undefined> {
	const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
	const kiB = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
	return kiB === undefined ? undefined : Number(kiB) / 1024;
}
