// SPDX-License-Identifier: MIT
import { sleep } from '../../core/clock.js';
import { FencepostError } from '../../core/errors.js';
import type { GuestClock } from './guest-clock.js';

const WATCH_MS = 100;

/** How long something asked of a guest's agent may take, in time that the guest could use. */
export interface Limits {
	/** In all. */
	readonly totalMs: number;
	/** Without a sign of life; undefined where none is due. */
	readonly silentMs?: number | undefined;
	/** When the last sign came, on any clock, or undefined while there was none. Left out: whatever the guest says. */
	readonly lastSignMs?: (() => number | undefined) | undefined;
}

/** Waits for a guest's answers, but not for ever, whatever the guest does: silence and chatter both come to an end. */
export class Patience {
	/** @param lastHeardMs when the guest last gave a sign of life @param evidence for the error */
	constructor(
		private readonly clock: Pick<GuestClock, 'now'>,
		private readonly lastHeardMs: () => number,
		private readonly evidence: () => string,
	) {}

	/** @param what is waited for: `the answer to a mark`. @throws FencepostError GUEST_HUNG when a limit is over. */
	async wait<T>(what: string, asked: Promise<T>, limits: Limits): Promise<T> {
		const over = new AbortController();
		try {
			return await Promise.race([asked, this.watch(what, limits, over.signal)]);
		} finally {
			over.abort();
		}
	}

	/** Rejects when a limit is over; never resolves. */
	private async watch(what: string, limits: Limits, signal: AbortSignal): Promise<never> {
		const { totalMs, silentMs, lastSignMs = this.lastHeardMs } = limits;
		// Most answers come before the first look, which costs something.
		await sleep(WATCH_MS, signal);
		const beganMs = this.clock.now();
		let signMs = lastSignMs();
		let signAtMs = beganMs;
		for (let missed = 0; ; ) {
			await sleep(WATCH_MS, signal);
			const guestMs = this.clock.now();
			if (lastSignMs() !== signMs) {
				signMs = lastSignMs();
				signAtMs = guestMs;
			}
			const silent = silentMs !== undefined && guestMs - signAtMs > silentMs;
			const late = guestMs - beganMs > totalMs;
			// Twice in a row: after a stall of our own the first look comes before what has arrived meanwhile is read.
			missed = silent || late ? missed + 1 : 0;
			if (missed < 2) continue;
			const message =
				silent && lastSignMs === this.lastHeardMs
					? `the guest's agent, which speaks twice a second, was silent for ${silentMs / 1000} s, and its console too`
					: `${what} did not come within ${(silent ? silentMs : totalMs) / 1000} s`;
			throw new FencepostError({ code: 'GUEST_HUNG', blame: 'kernel', message, evidence: this.evidence() });
		}
	}
}
