// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import { nowMs } from '../../core/clock.js';

/** USER_HZ: unit of utime and stime in /proc/PID/stat (proc(5)); 100 on every Linux architecture we run on. */
const TICK_MS = 10;

/**
 * Time as a guest can use it, so that a busy host does not look like a dead guest. While QEMU waits for something,
 * time passes as on the wall; while it wants to run, only the processor time it got counts.
 */
export class GuestClock {
	private lastWallMs = nowMs();
	private lastCpuMs: number;
	private elapsedMs = 0;

	constructor(private readonly pid: number) {
		this.lastCpuMs = processorMs(pid) ?? 0;
	}

	/** Milliseconds since the clock was made. Look often: the state at the look stands for the time since the last one. */
	now(): number {
		const wallMs = nowMs();
		const cpuMs = processorMs(this.pid) ?? this.lastCpuMs;
		const passedMs = wallMs - this.lastWallMs;
		this.elapsedMs += wantsToRun(this.pid) ? Math.min(passedMs, cpuMs - this.lastCpuMs) : passedMs;
		this.lastWallMs = wallMs;
		this.lastCpuMs = cpuMs;
		return this.elapsedMs;
	}
}

/** Fields of /proc/…/stat behind the command's name, which may hold anything: state is the first, utime the 12th. */
function statFields(path: string): string[] | undefined {
	try {
		return readFileSync(path, 'latin1')
			.replace(/^.*\) /s, '')
			.split(' ');
	} catch {
		return undefined;
	}
}

function processorMs(pid: number): number | undefined {
	const fields = statFields(`/proc/${pid}/stat`);
	return fields && (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function wantsToRun(pid: number): boolean {
	try {
		return readdirSync(`/proc/${pid}/task`).some((task) => statFields(`/proc/${pid}/task/${task}/stat`)?.[0] === 'R');
	} catch {
		return false;
	}
}
