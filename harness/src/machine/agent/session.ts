// SPDX-License-Identifier: MIT
import type { Duplex, Readable } from 'node:stream';
import { infrastructureError } from '../../core/errors.js';
import type { GuestAccounts, GuestFacts, Job, JobOutput } from '../machine.js';
import { decodeAccounts } from './accounts.js';
import { protocolError } from './frame.js';
import { type AgentJobOutcome, decodeExit, decodeFacts, encodeJob, guestText } from './payload.js';
import { confirmed, getFile, putTar } from './transfer.js';
import { AgentWire } from './wire.js';

/** How long an aborted job may take to be killed before the session stops waiting for it. */
const KILL_PATIENCE_MS = 2000;

/**
 * The harness's end of the wire to one guest's agent (docs/protocol.md). Owns the stream: a protocol error or
 * `close` destroys it. Every pending call rejects with a FencepostError when the stream ends: AGENT_GONE, or
 * AGENT_PROTOCOL when the agent broke the protocol. Nothing is buffered but one unfinished frame and, for
 * `get`, at most `maxBytes`.
 */
export class AgentSession {
	private readonly wire: AgentWire;
	private runs = false;

	private constructor(
		stream: Duplex,
		private readonly hello: { facts?: GuestFacts; resolve: () => void; reject: (error: unknown) => void },
	) {
		this.wire = new AgentWire(
			stream,
			(payload) => {
				if (hello.facts) throw protocolError('a second HELLO');
				hello.facts = decodeFacts(payload);
				hello.resolve();
			},
			hello.reject,
		);
	}

	/**
	 * Waits for the agent's HELLO. @param options.deadlineMs how long. @throws FencepostError AGENT_SILENT after the
	 * deadline, AGENT_GONE when the stream ends first, AGENT_PROTOCOL for another version or garbage; the signal's
	 * reason when aborted. The stream is destroyed then.
	 */
	static async open(
		stream: Duplex,
		options: { readonly signal: AbortSignal; readonly deadlineMs: number },
	): Promise<AgentSession> {
		const { signal, deadlineMs } = options;
		let timer: NodeJS.Timeout | undefined;
		let onAbort = () => {};
		try {
			return await new Promise<AgentSession>((resolve, reject) => {
				signal.throwIfAborted();
				const session = new AgentSession(stream, { resolve: () => resolve(session), reject });
				timer = setTimeout(() => reject(silent(deadlineMs)), deadlineMs);
				onAbort = () => reject(signal.reason);
				signal.addEventListener('abort', onAbort, { once: true });
			});
		} catch (error) {
			stream.destroy();
			throw error;
		} finally {
			clearTimeout(timer);
			signal.removeEventListener('abort', onAbort);
		}
	}

	/** The session with the agent of a clone, which said its HELLO before it was cloned: these facts. */
	static adopt(stream: Duplex, facts: GuestFacts): AgentSession {
		return new AgentSession(stream, { facts, resolve: () => {}, reject: () => {} });
	}

	/** What the agent said of its guest. */
	get facts(): GuestFacts {
		if (!this.hello.facts) throw new Error('a session is handed out after its HELLO');
		return this.hello.facts;
	}

	/** When anything last came from the agent, on the clock of `nowMs`. While a job runs, a heartbeat comes about every 500 ms. */
	get lastHeardMs(): number {
		return this.wire.heardAtMs;
	}

	/**
	 * Runs one job to its end. Aborting kills it in the guest, waits for its end (2 s at most) and rejects with the
	 * signal's reason; its output is dropped from then on. @throws FencepostError JOB_NOT_STARTED when the guest
	 * cannot execute it, JOB_MALFORMED when it cannot be asked for, AGENT_BUSY when another job still runs.
	 */
	async run(job: Job, output: JobOutput, signal: AbortSignal): Promise<AgentJobOutcome> {
		signal.throwIfAborted();
		const payload = encodeJob(job);
		if (this.runs)
			throw infrastructureError('AGENT_BUSY', `cannot run ${job.program}: another job still runs in the guest`);
		this.runs = true;
		const what = `the job ${job.program}`;
		return this.wire.request<AgentJobOutcome>(
			{ type: 'RUN', payload, what, signal, patienceMs: KILL_PATIENCE_MS },
			(frame, answer) => {
				switch (frame.type) {
					case 'STDOUT':
						return signal.aborted ? undefined : output.stdout(frame.payload);
					case 'STDERR':
						return signal.aborted ? undefined : output.stderr(frame.payload);
					case 'HEARTBEAT':
						return;
					case 'EXIT':
						this.runs = false;
						return answer.resolve(decodeExit(frame));
					case 'ERROR':
						this.runs = false;
						return answer.reject(
							infrastructureError(
								'JOB_NOT_STARTED',
								`the guest cannot run ${job.program}: ${guestText(frame.payload)}`,
							),
						);
					default:
						throw protocolError(`a ${frame.type} frame while ${what} runs`);
				}
			},
		).answered;
	}

	/**
	 * Unpacks a tar stream (ustar, pax or GNU; directories, files, and symbolic links that stay below) in the guest
	 * below `directory`, an absolute path, which is made when it is not there. @throws FencepostError PUT_REFUSED with
	 * the agent's reason; whatever the tar stream fails with. What was unpacked before stays.
	 */
	put(directory: string, tar: Readable, signal: AbortSignal): Promise<void> {
		return putTar(this.wire, directory, tar, signal);
	}

	/** A regular file of the guest. @throws FencepostError GET_REFUSED when it is not there, not regular, or longer than `maxBytes`. */
	get(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
		return getFile(this.wire, path, maxBytes, signal);
	}

	/** What the guest's kernel holds right now. A few milliseconds; half a second when a dma-buf is locked for good. */
	accounts(signal: AbortSignal): Promise<GuestAccounts> {
		const what = 'reading what the kernel holds';
		const payload = new Uint8Array();
		return this.wire.request<GuestAccounts>(
			{ type: 'ACCOUNTS', payload, what, signal, patienceMs: 0 },
			(frame, answer) => {
				if (frame.type !== 'ACCOUNTS') throw protocolError(`a ${frame.type} frame as the answer to ACCOUNTS`);
				answer.resolve(decodeAccounts(frame.payload));
			},
		).answered;
	}

	/** Writes a line to the guest's kernel log, and so to its console (1 to 512 bytes); resolves when the write has returned. */
	mark(text: string, signal: AbortSignal): Promise<void> {
		const payload = Buffer.from(text, 'utf8');
		return confirmed(this.wire, 'MARK', payload, 'MARK_REFUSED', 'writing to the kernel log', signal).answered;
	}

	/** Sets the guest's wall clock. @param epochMs milliseconds since 1970, as of Date.now(). */
	setClock(epochMs: number, signal: AbortSignal): Promise<void> {
		const payload = Buffer.alloc(8);
		payload.writeBigUInt64LE(BigInt(Math.round(epochMs)) * 1_000_000n);
		return confirmed(this.wire, 'SETTIME', payload, 'CLOCK_REFUSED', 'setting the clock', signal).answered;
	}

	/** Gives the guest's kernel entropy (1 to 512 bytes) and has it reseed: clones of one template must not share random numbers. */
	seed(entropy: Uint8Array, signal: AbortSignal): Promise<void> {
		return confirmed(this.wire, 'ENTROPY', entropy, 'SEED_REFUSED', 'seeding random numbers', signal).answered;
	}

	/** Asks the guest to power off. There is no answer but the end of the stream. */
	quit(): void {
		this.wire.send('QUIT', 0);
	}

	/** Destroys the stream; pending calls reject with AGENT_GONE. */
	close(): void {
		this.wire.end();
	}
}

function silent(deadlineMs: number) {
	return infrastructureError('AGENT_SILENT', `the guest's agent did not report within ${deadlineMs / 1000} s`, {
		hint:
			'the guest did not boot, its kernel has no virtio console, or it has no port org.fencepost.agent; ' +
			'its console may say more',
	});
}
