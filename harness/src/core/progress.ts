// SPDX-License-Identifier: MIT
import { setMaxListeners } from 'node:events';

/** What a long operation says while it runs. `key` names one line of live status; the same key replaces it. */
export interface ProgressEvent {
	readonly key: string;
	/** `stopped`: it was aborted, and nobody's fault. */
	readonly state: 'start' | 'update' | 'done' | 'failed' | 'stopped';
	/** `kernel source:6.12 arm64`: whose work this is. */
	readonly subject: string;
	/** `compile`, `fetch`, `boot`. */
	readonly phase: string;
	/** 0 to 1, when the end is known. */
	readonly fraction?: number | undefined;
	readonly detail?: string | undefined;
	/** Its end is told by what came of it: only while it goes on is it worth a line. */
	readonly quiet?: boolean | undefined;
}

export type ProgressListener = (event: ProgressEvent) => void;

/**
 * Handed to every long operation: whether to go on (`signal`), and where to say how far it is.
 * A `phase` is announced when it starts and when it ends, whatever ends it.
 */
export class Progress {
	constructor(
		readonly subject: string,
		readonly signal: AbortSignal,
		private readonly listener: ProgressListener = () => {},
	) {
		// Every command and guest of a run listens to it; that many is no leak.
		setMaxListeners(0, signal);
	}

	/** The same abort and listener, for another subject. */
	for(subject: string): Progress {
		return new Progress(subject, this.signal, this.listener);
	}

	/** The same, aborted by another signal too. */
	under(signal: AbortSignal): Progress {
		return new Progress(this.subject, AbortSignal.any([this.signal, signal]), this.listener);
	}

	/** Runs `work` as a phase; `update` moves its live line. @param quiet of its end only a failure is said */
	async phase<T>(
		phase: string,
		work: (update: (detail?: string, fraction?: number) => void) => Promise<T>,
		detail?: string,
		quiet?: boolean,
	): Promise<T> {
		this.signal.throwIfAborted();
		const key = `${this.subject}: ${phase}`;
		const say = (state: ProgressEvent['state'], said?: string, fraction?: number) =>
			this.listener({ key, state, subject: this.subject, phase, detail: said, fraction, quiet });
		say('start', detail);
		try {
			const result = await work((said, fraction) => say('update', said, fraction));
			say('done');
			return result;
		} catch (error) {
			say(this.signal.aborted ? 'stopped' : 'failed');
			throw error;
		}
	}

	/** One line worth keeping: a fall-back, a rebuilt cache entry. Never decoration. */
	note(detail: string): void {
		this.listener({ key: `${this.subject}: note`, state: 'done', subject: this.subject, phase: 'note', detail });
	}
}
