// SPDX-License-Identifier: MIT
import type { RunEvent } from '../results/events.js';

/** A pure consumer of a run's events. */
export interface Reporter {
	event(event: RunEvent): void;
	/** Called once, after run-end. */
	end?(): void | Promise<void>;
}

/** Somewhere text goes: standard output, a file, a test's array. */
export type Sink = (text: string) => void;
