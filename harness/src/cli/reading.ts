// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';

/** Files that people name are read at once; a pipe may have no writer yet, or one that takes its time. */
const PATIENCE_MS = 1_500;

/**
 * Waits for what is read from a file that was named, however long: it may be a pipe, a shell's `<(…)` or /dev/stdin. What
 * takes long is said, on standard error. @param what the option, or whatever named it
 */
export async function reading<T>(what: string, file: string, work: Promise<T>): Promise<T> {
	const timer = setTimeout(async () => {
		process.stderr.write(`fencepost: ${await words(what, file)}\n`);
	}, PATIENCE_MS);
	try {
		return await work;
	} finally {
		clearTimeout(timer);
	}
}

async function words(what: string, file: string): Promise<string> {
	if (file === '-') return `${what}: reading standard input to its end`;
	const isPipe = await stat(file).then(
		(facts) => facts.isFIFO(),
		() => false,
	);
	return isPipe
		? `${what}: ${file} is a pipe: waiting until everything is written to it, and it is closed`
		: `${what}: reading ${file}`;
}
