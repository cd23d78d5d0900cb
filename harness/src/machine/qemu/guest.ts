// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { infrastructureError, messageOf } from '../../core/errors.js';
import type { AgentSession } from '../agent/session.js';
import type { Guest, GuestAccounts, GuestEnd, GuestFacts, Job, JobOutcome, JobOutput } from '../machine.js';
import { GuestClock } from './guest-clock.js';
import { Patience } from './patience.js';
import type { QemuProcess } from './process.js';

/** For a mark to be shown: without anything else on the console, and in all. A serial line shows some 300 kB a second. */
const SETTLE = { silentMs: 3000, totalMs: 60_000 } as const;
/** A mark takes some milliseconds; another one after this costs a working console nothing. */
const NUDGE_MS = 1000;
/** After a job's deadline: what the agent needs to kill it (0.5 s), to give it up (10 s), and to tell; docs/protocol.md. */
const JOB_END_MS = 12_000;
/** Files on their way, whatever the agent says meanwhile. */
const TRANSFER_MS = 300_000;

/** A QEMU guest whose agent answers, booted or cloned. */
export class QemuGuest implements Guest {
	private readonly patience: Patience;

	/**
	 * @param hungMs how long the agent may be silent while a job runs, or an answer away, in time that the guest could use
	 * @param renewed what the agent was asked to do first: no job counts when that failed
	 */
	constructor(
		readonly qemu: QemuProcess,
		private readonly session: AgentSession,
		private readonly hungMs: number,
		private readonly renewed: Promise<unknown> = Promise.resolve(),
	) {
		renewed.catch(() => {});
		this.patience = new Patience(
			new GuestClock(qemu.pid),
			// A kernel that prints is alive, and may keep the agent waiting: whoever logs prints what others have logged.
			() => Math.max(session.lastHeardMs, qemu.console.lastByteMs ?? 0),
			() => qemu.console.tail(),
		);
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
			const outcome = await this.patience.wait(
				`the end of a job with a deadline of ${job.deadlineMs / 1000} s`,
				this.afterRenewal(this.session.run(job, output, AbortSignal.any([signal, over.signal]))),
				{ totalMs: job.deadlineMs + JOB_END_MS, silentMs: this.hungMs },
			);
			this.requireConsole();
			return outcome;
		} finally {
			over.abort();
		}
	}

	put(directory: string, tarStream: Readable, signal: AbortSignal): Promise<void> {
		const sent = this.session.put(directory, tarStream, signal);
		return this.patience.wait('the end of files on their way in', sent, { totalMs: TRANSFER_MS });
	}

	get(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
		const got = this.session.get(path, maxBytes, signal);
		return this.patience.wait(`the end of ${path}`, got, { totalMs: TRANSFER_MS });
	}

	accounts(signal: AbortSignal): Promise<GuestAccounts> {
		return this.answer('word of what the kernel holds', this.session.accounts(signal));
	}

	async settleConsole(signal: AbortSignal): Promise<void> {
		const { console: log } = this.qemu;
		// A word that no program can say before it is asked for: else the console would seem settled too early.
		const text = `mark ${randomUUID()}`;
		await this.answer('the answer to a mark', this.session.mark(text, signal));
		const shown = log.shows(`fencepost: ${text}`, 2 * SETTLE.totalMs);
		const limits = { ...SETTLE, lastSignMs: () => log.lastByteMs };
		// A line can stay in the kernel's log until the next one comes. It is still the first that must be shown.
		const nudge = setTimeout(() => this.session.mark('nudge', signal).catch(() => {}), NUDGE_MS);
		const waited = this.patience.wait('a mark on the console', shown, limits).finally(() => clearTimeout(nudge));
		const seen = await waited.catch((cause: unknown) => {
			throw infrastructureError(
				'CONSOLE_BLIND',
				`the console does not show what the kernel logs, and a report may be missing: ${messageOf(cause)}`,
				{ hint: "is its level below 6 (the kernel's command line, or a program)?", evidence: log.tail(), cause },
			);
		});
		if (!seen) throw infrastructureError('CONSOLE_CLOSED', 'the guest ended before its console had shown everything');
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

	private async afterRenewal<T>(asked: Promise<T>): Promise<T> {
		const [answer] = await Promise.all([asked, this.renewed]);
		return answer;
	}

	private answer<T>(what: string, asked: Promise<T>): Promise<T> {
		return this.patience.wait(what, asked, { totalMs: this.hungMs });
	}
}
