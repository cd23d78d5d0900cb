// SPDX-License-Identifier: MIT
import type { Readable } from 'node:stream';
import { sleep } from '../../core/clock.js';
import { FencepostError, infrastructureError } from '../../core/errors.js';
import type { AgentSession } from '../agent/session.js';
import type { Guest, GuestAccounts, GuestEnd, GuestFacts, Job, JobOutcome, JobOutput } from '../machine.js';
import { GuestClock } from './guest-clock.js';
import type { QemuProcess } from './process.js';

const SETTLE_MS = 3000;
const WATCH_MS = 100;

/** A QEMU guest whose agent answers, booted or cloned. */
export class QemuGuest implements Guest {
	private readonly clock: GuestClock;
	private marks = 0;

	/** @param hungMs how long the agent may be silent while a job runs, in time that the guest could use */
	constructor(
		readonly qemu: QemuProcess,
		private readonly session: AgentSession,
		private readonly hungMs: number,
	) {
		this.clock = new GuestClock(qemu.pid);
	}

	get facts(): GuestFacts {
		return this.session.facts;
	}

	get ended(): Promise<GuestEnd> {
		return this.qemu.ended;
	}

	async run(job: Job, output: JobOutput, signal: AbortSignal): Promise<JobOutcome> {
		const over = new AbortController();
		try {
			const outcome = await Promise.race([
				this.session.run(job, output, AbortSignal.any([signal, over.signal])),
				this.watchHeartbeat(over.signal),
			]);
			this.requireConsole();
			return outcome;
		} finally {
			over.abort();
		}
	}

	put(directory: string, tarStream: Readable, signal: AbortSignal): Promise<void> {
		return this.session.put(directory, tarStream, signal);
	}

	get(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
		return this.session.get(path, maxBytes, signal);
	}

	accounts(signal: AbortSignal): Promise<GuestAccounts> {
		return this.session.accounts(signal);
	}

	async settleConsole(signal: AbortSignal): Promise<void> {
		const text = `mark ${++this.marks}`;
		await this.session.mark(text, signal);
		await this.qemu.console.shows(`fencepost: ${text}`, SETTLE_MS);
	}

	async stop(): Promise<void> {
		this.session.close();
		await this.qemu.stop();
	}

	/** A console that could not be kept is evidence lost: nothing that ran meanwhile may pass. */
	private requireConsole(): void {
		const cause = this.qemu.console.writeError;
		if (cause)
			throw infrastructureError('CONSOLE_UNWRITTEN', `the console cannot be kept: ${cause.message}`, { cause });
	}

	/** Rejects when the agent's heartbeat stays away: the guest hangs with nothing left to say so. Never resolves. */
	private async watchHeartbeat(signal: AbortSignal): Promise<never> {
		let heardMs = this.session.lastHeardMs;
		let heardAtMs = this.clock.now();
		for (let missed = 0; missed < 2; ) {
			await sleep(WATCH_MS, signal);
			const guestMs = this.clock.now();
			if (this.session.lastHeardMs !== heardMs) {
				heardMs = this.session.lastHeardMs;
				heardAtMs = guestMs;
			}
			// Twice in a row: after a stall of our own the first look comes before what has arrived meanwhile is read.
			missed = guestMs - heardAtMs > this.hungMs ? missed + 1 : 0;
		}
		throw new FencepostError({
			code: 'GUEST_HUNG',
			blame: 'kernel',
			message: `the guest's agent, which speaks twice a second, was silent for ${this.hungMs / 1000} s`,
			evidence: this.qemu.console.tail(),
		});
	}
}
