// SPDX-License-Identifier: MIT
import { availableParallelism, loadavg } from 'node:os';
import type { Kernel } from '../kernel/kernel.js';

/** Options that make a kernel several times slower, each with its factor under emulation. */
const SLOW_OPTIONS: Readonly<Record<string, number>> = {
	CONFIG_KASAN: 3,
	CONFIG_PROVE_LOCKING: 2,
	CONFIG_DEBUG_PAGEALLOC: 2,
	CONFIG_GCOV_KERNEL: 2,
};

/** The suite runner's own limit for a case (suites/lib/runner.c), milliseconds before the slowness factor. */
const CASE_MS = 10_000;
/** Room for the program around its cases. */
const SUITE_MS = 30_000;
const PROGRAM_MS = 300_000;
/** Longer than a kernel takes to report by itself that one of its CPUs is stuck: RCU 21 s, soft lockup 20 to 24 s. */
const STUCK_MS = 25_000;

/**
 * How much longer than usual under emulation things may take: a whole number, 1 or more.
 * @param machine the starter's factor for this architecture
 */
export function guestSlowness(kernel: Kernel, machine: number): number {
	const debug = Object.entries(SLOW_OPTIONS)
		.filter(([option]) => kernel.config?.get(option) === 'y')
		.reduce((product, [, factor]) => product * factor, 1);
	return Math.max(1, Math.ceil(machine * debug));
}

/** Factor on deadlines that run by the guest's own clock, which a busy host does not stop: processes that want each core. */
export function hostBusyness(): number {
	return Math.max(1, Math.ceil((loadavg()[0] ?? 0) / availableParallelism()));
}

/** Deadline of a whole program in the guest, milliseconds: every case at its limit, and some room. */
export function programDeadlineMs(cases: number | undefined, slowness: number): number {
	return (cases === undefined ? PROGRAM_MS : cases * CASE_MS * 1.5 + SUITE_MS) * slowness;
}

/**
 * Deadline of a module on its way in or out, milliseconds: that of a case, but not before the kernel has had its word. An
 * init function that sleeps for ever is found in the first minute; one that only works long has what a case has.
 */
export function moduleDeadlineMs(slowness: number): number {
	return Math.max(STUCK_MS, CASE_MS * slowness);
}
