// SPDX-License-Identifier: MIT
import type { Guest, GuestAccounts } from '../machine/machine.js';
import { watchLeaks } from '../verdict/leaks.js';
import type { GuestEnded } from '../verdict/reconcile.js';
import type { TaintWitness } from '../verdict/splat/taint.js';
import type { Leak } from '../verdict/verdict.js';
import type { LaunchedGuest } from './launch.js';
import { guestEnd } from './program-run.js';

/** What the kernel held when its guest was last asked: what it held after one program, it holds before the next. */
const lastAccounts = new WeakMap<Guest, GuestAccounts>();

/** What was seen of a guest once its program had ended. */
export interface Aftermath {
	readonly leaks: readonly Leak[];
	readonly taint: TaintWitness | undefined;
	/** The guest was lost before it could be looked at. */
	readonly guestEnded: GuestEnded | undefined;
}

/**
 * What the kernel holds before a program. Asked without waiting for the answer: the agent answers before it starts the
 * program that it is asked for next (docs/protocol.md), so this costs no time of its own.
 */
export function accountsBefore(guest: Guest, signal: AbortSignal): Promise<GuestAccounts> {
	const known = lastAccounts.get(guest);
	const accounts = known ? Promise.resolve(known) : guest.accounts(signal);
	// A guest that does not answer is seen by the program's run too, which says more.
	accounts.catch(() => {});
	return accounts;
}

/**
 * Looks at a guest whose program has ended: what is left behind, and that everything its kernel logged has been seen.
 * The mark goes out behind the question for the accounts, so that whatever report a taint stems from is on the console.
 */
export async function lookAfter(
	launched: LaunchedGuest,
	before: Promise<GuestAccounts>,
	signal: AbortSignal,
): Promise<Aftermath> {
	const { guest } = launched;
	try {
		const held = await before;
		let looks = 0;
		const watched = watchLeaks(held, () => {
			looks++;
			return guest.accounts(signal);
		});
		const [{ after, leaks }] = await Promise.all([watched, guest.settleConsole(signal)]);
		if (looks > 1) await guest.settleConsole(signal);
		lastAccounts.set(guest, after);
		return { leaks, taint: taintOf(held, after, guest.facts.release), guestEnded: undefined };
	} catch (error) {
		signal.throwIfAborted();
		return { leaks: [], taint: undefined, guestEnded: await guestEnd(launched, error) };
	}
}

/** Waits until the console has shown all; a guest that cannot say so is stopped: then it is complete in any case. */
export async function settle(guest: Guest, signal: AbortSignal): Promise<void> {
	try {
		await guest.settleConsole(signal);
	} catch {
		signal.throwIfAborted();
		await guest.stop();
	}
}

function taintOf(before: GuestAccounts, after: GuestAccounts, release: string): TaintWitness | undefined {
	if (before.tainted === undefined || after.tainted === undefined) return undefined;
	return { before: before.tainted, after: after.tainted, release };
}
