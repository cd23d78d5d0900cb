// SPDX-License-Identifier: MIT
import { sleep } from '../core/clock.js';
import { guestLost } from '../verdict/reconcile.js';
import { toldReport } from '../verdict/splat/told.js';
import type { Verdict } from '../verdict/verdict.js';
import type { Judged } from './judged.js';
import type { LaunchedGuest } from './launch.js';
import { guestEnd } from './program-run.js';

/** How long a guest whose work is done is listened to: timers, delayed work and grace periods may still complain. */
const LINGER_MS = 400;

/**
 * Listens to a guest that has nothing more to do, and stops it. It needs no processor meanwhile, so that other guests
 * work beside. What its kernel still says, or that it does not live so long, is returned as the suite's own case:
 * it belongs to whatever ran last, and is not lost. Nothing for a guest that stays quiet.
 * @param suite name of the suite that ran last in it
 */
export async function lastWords(
	launched: LaunchedGuest,
	suite: string,
	signal: AbortSignal,
): Promise<Judged | undefined> {
	const { guest, watch } = launched;
	const over = new AbortController();
	const waited = sleep(LINGER_MS, AbortSignal.any([signal, over.signal])).then(() => 'waited' as const);
	waited.catch(() => {});
	let lost: readonly [Verdict, string] | undefined;
	try {
		const how = await Promise.race([waited, guest.ended]);
		if (how === 'waited') await guest.settleConsole(signal);
		else lost = guestLost(await guestEnd(launched, new Error('its machine ended by itself')));
	} catch (error) {
		signal.throwIfAborted();
		lost = guestLost(await guestEnd(launched, error));
	} finally {
		over.abort();
		await guest.stop();
	}
	const splats = watch.take();
	const dropped = watch.takeDropped();
	if (splats.length > 0)
		return own(suite, 'crash', `after its program had ended: ${splats.map(toldReport).join('; ')}`, splats);
	if (lost) return own(suite, lost[0], `after its program had ended: ${lost[1]}`, []);
	if (dropped > 0) {
		return own(suite, 'miss', `after its program had ended: the console lost ${dropped} kernel messages`, []);
	}
	return undefined;
}

function own(suite: string, verdict: Verdict, reason: string, splats: Judged['splats']): Judged {
	return { case: suite, verdict, reason, durationMs: 0, diagnostics: [], splats, catalogue: undefined };
}
