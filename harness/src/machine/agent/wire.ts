// SPDX-License-Identifier: MIT
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { nowMs } from '../../core/clock.js';
import { FencepostError, infrastructureError } from '../../core/errors.js';
import { encodeFrame, type Frame, FrameDecoder, type FrameName, protocolError } from './frame.js';
import { guestText } from './payload.js';

/** Something asked of the agent. */
export interface AgentRequest {
	readonly type: FrameName<'to-guest'>;
	readonly payload: Uint8Array;
	/** What is being done, for messages: `reading /proc/meminfo`. */
	readonly what: string;
	/** Aborting sends KILL for the request and rejects with the signal's reason … */
	readonly signal: AbortSignal;
	/** … once the agent has answered, or this many milliseconds have passed; at once when 0. */
	readonly patienceMs: number;
}

/** Settles a request, which ends it: no frame may come for it after. */
export interface Answer<T> {
	resolve(value: T): void;
	reject(error: unknown): void;
}

interface Pending {
	readonly what: string;
	readonly take: (frame: Frame<'from-guest'>) => void;
	readonly fail: (error: unknown) => void;
}

/**
 * Requests and their answers over the stream to one agent, which it owns: any error destroys it, and everything
 * pending rejects. It holds one unfinished frame at most; what comes is handed on at once.
 */
export class AgentWire {
	/** When bytes last came, on the clock of `nowMs`. */
	heardAtMs = nowMs();
	private readonly decoder = new FrameDecoder('from-guest', (frame) => this.dispatch(frame));
	private readonly pending = new Map<number, Pending>();
	private nextId = 1;
	private failure: FencepostError | undefined;

	/**
	 * @param onHello gets each HELLO's payload; may throw a protocol error.
	 * @param onEnd called once, with why.
	 */
	constructor(
		private readonly stream: Duplex,
		private readonly onHello: (payload: Buffer) => void,
		private readonly onEnd: (failure: FencepostError) => void,
	) {
		stream.on('data', (chunk: Buffer) => this.receive(chunk));
		stream.on('error', (cause) => this.end(cause));
		stream.once('end', () => this.end());
		stream.once('close', () => this.end());
	}

	/** Sends a request; `take` gets each frame that comes back for it, and settles `answer` with the last one. */
	request<T>(
		request: AgentRequest,
		take: (frame: Frame<'from-guest'>, answer: Answer<T>) => void,
	): { readonly id: number; readonly answered: Promise<T> } {
		const id = this.nextId++;
		return { id, answered: this.ask(id, request, take) };
	}

	/** Sends a frame; false when the guest is slower than we are, and `drained` should be awaited. Nothing when all is over. */
	send(type: FrameName<'to-guest'>, id: number, payload?: Uint8Array): boolean {
		return this.failure ? false : this.stream.write(encodeFrame('to-guest', type, id, payload));
	}

	async drained(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		await once(this.stream, 'drain', { signal });
	}

	/** The stream is over, for whatever reason: nothing pending can come any more. */
	end(cause?: unknown): void {
		if (this.failure) return;
		this.failure = cause instanceof FencepostError ? cause : infrastructureError('AGENT_GONE', GONE, { cause });
		this.stream.destroy();
		for (const { what, fail } of this.pending.values()) fail(this.gone(what));
		this.pending.clear();
		this.onEnd(this.failure);
	}

	private async ask<T>(
		id: number,
		{ type, payload, what, signal, patienceMs }: AgentRequest,
		take: (frame: Frame<'from-guest'>, answer: Answer<T>) => void,
	): Promise<T> {
		signal.throwIfAborted();
		if (this.failure) throw this.gone(what);
		const frame = encodeFrame('to-guest', type, id, payload);
		let abort = () => {};
		let patience: NodeJS.Timeout | undefined;
		try {
			return await new Promise<T>((resolve, reject) => {
				const settle = (act: () => void) => {
					this.pending.delete(id);
					if (signal.aborted) reject(signal.reason);
					else act();
				};
				const answer: Answer<T> = {
					resolve: (value) => settle(() => resolve(value)),
					reject: (error) => settle(() => reject(error)),
				};
				abort = () => {
					// The request stays known until the agent's last frame for it.
					this.send('KILL', id);
					if (patienceMs === 0) reject(signal.reason);
					else patience = setTimeout(() => reject(signal.reason), patienceMs);
				};
				signal.addEventListener('abort', abort, { once: true });
				this.pending.set(id, { what, take: (received) => take(received, answer), fail: reject });
				this.stream.write(frame);
			});
		} finally {
			clearTimeout(patience);
			signal.removeEventListener('abort', abort);
		}
	}

	private receive(chunk: Buffer): void {
		if (this.failure) return;
		this.heardAtMs = nowMs();
		try {
			this.decoder.push(chunk);
		} catch (error) {
			this.end(error);
		}
	}

	private dispatch(frame: Frame<'from-guest'>): void {
		if (this.failure) return;
		if (frame.type === 'HELLO') {
			this.onHello(frame.payload);
			return;
		}
		if (frame.type === 'ERROR' && frame.id === 0) {
			throw protocolError(`word that it does not understand the harness: ${guestText(frame.payload)}`);
		}
		const pending = this.pending.get(frame.id);
		if (!pending) throw protocolError(`a ${frame.type} frame for ${frame.id}, which was not asked for or has ended`);
		pending.take(frame);
	}

	private gone(what: string): FencepostError {
		if (this.failure && this.failure.code !== 'AGENT_GONE') return this.failure;
		return infrastructureError('AGENT_GONE', `${GONE} during ${what}`, { cause: this.failure?.cause });
	}
}

const GONE = "the connection to the guest's agent ended";
