// SPDX-License-Identifier: MIT
// Imported by every script that prints: `node scripts/catalogue.mjs FILE | head -1` ends when nobody reads on, without
// a word of Node's. What can be interrupted is, and ends in order; anything else ends at once.
// The program has its own: harness/src/cli/reader-gone.ts. This one must work before anything is built.

/** As a shell tells of a program that SIGPIPE ended (signal(7)); Node ignores that signal and reports EPIPE instead. */
const ENDED_BY_SIGPIPE = 128 + 13;

let gone = false;

function onError(error) {
	if (error.code !== 'EPIPE') throw error;
	if (gone) return;
	gone = true;
	process.exitCode = ENDED_BY_SIGPIPE;
	if (!process.emit('SIGINT', 'SIGINT')) process.exit();
}

process.stdout.on('error', onError);
process.stderr.on('error', onError);
