// SPDX-License-Identifier: MIT

/** Why everything was aborted: the user, or the system, asked for it. It has been said already. */
export class Interrupted extends Error {}

/**
 * An abort signal for Ctrl-C, SIGTERM and a reader that is gone (`endWithReader`): the first one stops guests and
 * builds in order, a second one at once (guests die with this process in any case).
 */
export function interruptSignal(): AbortSignal {
	const controller = new AbortController();
	const stop = (name: NodeJS.Signals) => {
		if (controller.signal.aborted) process.exit(130);
		if (name !== 'SIGPIPE') {
			const why = name === 'SIGINT' ? 'interrupted' : 'told to stop';
			process.stderr.write(`\nfencepost: ${why}; stopping guests and builds\n`);
		}
		controller.abort(new Interrupted(`stopped by ${name}`));
	};
	process.on('SIGINT', stop);
	process.on('SIGTERM', stop);
	return controller.signal;
}
