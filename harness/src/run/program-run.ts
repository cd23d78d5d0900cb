// SPDX-License-Identifier: MIT
import { sleep } from '../core/clock.js';
import { FencepostError, messageOf } from '../core/errors.js';
import type { Job, JobOutcome, JobOutput } from '../machine/machine.js';
import type { GuestEnded } from '../verdict/reconcile.js';
import type { LaunchedGuest } from './launch.js';

/** After a severe report, or word that it goes down, the guest gets this long to say the rest, and the program its results. */
const LAST_WORDS_MS = 400;
/** How long a dead guest's end is waited for, to learn how it ended. */
const END_MS = 1000;

/** Errors of a guest that is there, and with which nothing more can be done: its console has nothing to add. */
const UNUSABLE: ReadonlySet<string> = new Set([
	'JOB_NOT_STARTED',
	'JOB_MALFORMED',
	'CONSOLE_UNWRITTEN',
	'AGENT_BUSY',
	'AGENT_PROTOCOL',
	'CONSOLE_BLIND',
]);

/** How a program's run ended: seen by the agent, or broken off by the guest's end. */
export interface Ending {
	readonly outcome: JobOutcome | undefined;
	readonly guestEnded: GuestEnded | undefined;
}

/**
 * Runs a program to its end. Once the kernel has said something after which it cannot be trusted, or that the machine
 * goes down, the program may go on for a moment only, so that what it had printed before is read: then its guest is
 * stopped.
 */
export async function runProgram(
	launched: LaunchedGuest,
	job: Job,
	output: JobOutput,
	signal: AbortSignal,
): Promise<Ending> {
	const { guest, watch } = launched;
	const over = new AbortController();
	let alarmed = false;
	let stopped = false;
	watch.begin(() => {
		if (alarmed) return;
		alarmed = true;
		sleep(LAST_WORDS_MS, over.signal).then(
			() => {
				stopped = true;
				void guest.stop();
			},
			() => {},
		);
	});
	try {
		return { outcome: await guest.run(job, output, signal), guestEnded: undefined };
	} catch (error) {
		signal.throwIfAborted();
		return { outcome: undefined, guestEnded: await guestEnd(launched, error, stopped) };
	} finally {
		over.abort();
	}
}

/**
 * How a guest ended that answers no more; it is gone then, and its console complete.
 * @param error what the agent's end of it gave @param stopped it was stopped for what its kernel had said
 */
export async function guestEnd({ guest, watch }: LaunchedGuest, error: unknown, stopped = false): Promise<GuestEnded> {
	const code = error instanceof FencepostError ? error.code : '';
	// Only a guest that is going anyway is waited for.
	const going = !stopped && code !== 'GUEST_HUNG' && !UNUSABLE.has(code);
	const end = going ? await Promise.race([guest.ended, sleep(END_MS).then(() => undefined)]) : undefined;
	await guest.stop();
	if (watch.shutdown !== undefined) return { kind: 'shutdown', detail: watch.shutdown };
	if (stopped) return { kind: 'stopped', detail: 'stopped after what its kernel reported' };
	const how = end?.signal ? `; QEMU was killed by ${end.signal}` : '';
	const detail = `${messageOf(error)}${how}`;
	if (code === 'GUEST_HUNG') return { kind: 'hung', detail };
	if (UNUSABLE.has(code)) return { kind: 'unusable', detail };
	return { kind: end?.kind === 'killed' ? 'killed' : 'died', detail };
}
