// SPDX-License-Identifier: MIT
import { setMaxListeners } from 'node:events';

/** Why everything was aborted: the user, or the system, asked for it. It has been said already. */
export class Interrupted extends Error {}

/**
 * An abort signal for Ctrl-C and SIGTERM: the first one stops guests and builds in order, a second one at once
 * (guests die with this process in any case).
 */
export function interruptSignal(): AbortSignal {
	const controller = new AbortController();
	// Every command and guest of a run listens to it; that many is no leak.
	setMaxListeners(0, controller.signal);
	const stop = (name: NodeJS.Signals) => {
		if (controller.signal.aborted) process.exit(130);
		process.stderr.write(
			`\nfencepost: ${name === 'SIGINT' ? 'interrupted' : 'told to stop'}; stopping guests and builds\n`,
		);
		controller.abort(new Interrupted(`stopped by ${name}`));
	};
	process.on('SIGINT', stop);
	process.on('SIGTERM', stop);
	return controller.signal;
}
