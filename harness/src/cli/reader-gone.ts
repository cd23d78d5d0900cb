// SPDX-License-Identifier: MIT

/** As a shell tells of a program that SIGPIPE ended (signal(7)); Node ignores that signal and reports EPIPE instead. */
const ENDED_BY_SIGPIPE = 128 + 13;

/** `fencepost list | head -1`: nobody reads on. What can be interrupted stops in order, anything else at once. */
export function endWithReader(): void {
	let gone = false;
	const onError = (error: NodeJS.ErrnoException) => {
		if (error.code !== 'EPIPE') throw error;
		if (gone) return;
		gone = true;
		// Not as the event SIGPIPE: whoever listens for that is sent the signal itself by every further write.
		if (!process.emit('SIGTERM', 'SIGPIPE')) process.exit(ENDED_BY_SIGPIPE);
	};
	process.stdout.on('error', onError);
	process.stderr.on('error', onError);
}
