// SPDX-License-Identifier: MIT
import { setTimeout as sleepTimer } from 'node:timers/promises';

/** Milliseconds on a clock that never jumps; only differences mean anything. */
export function nowMs(): number {
	return performance.now();
}

/** The date and time now, ISO 8601 in UTC. */
export function timestamp(): string {
	return new Date().toISOString();
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
	try {
		await sleepTimer(ms, undefined, signal ? { signal } : {});
	} catch (error) {
		signal?.throwIfAborted();
		throw error;
	}
}

/** `3.2 s`, `850 ms`, `4 min 12 s`: durations as people read them. */
export function formatDuration(ms: number): string {
	if (ms < 1000) return `${Math.round(ms)} ms`;
	if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
	const seconds = Math.round(ms / 1000);
	return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
