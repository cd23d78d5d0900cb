// SPDX-License-Identifier: MIT
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../core/process.js';

/**
 * Removes what a killed build may have left half-written. kbuild writes `.X.cmd` after X is complete, and on
 * the next build trusts an X that is newer than its sources: an X newer than its `.X.cmd`, or an object
 * without one, may be cut short.
 * @returns how many files were removed.
 */
export async function removeHalfWritten(output: string, signal: AbortSignal): Promise<number> {
	const { stdout } = await run('find', [output, '-type', 'f', '-printf', '%T@ %P\n'], { signal, package: 'findutils' });
	const times = new Map<string, number>();
	for (const line of stdout.split('\n')) {
		const space = line.indexOf(' ');
		if (space > 0) times.set(line.slice(space + 1), Number(line.slice(0, space)));
	}
	const doomed = [...times].filter(([path, time]) => {
		const slash = path.lastIndexOf('/') + 1;
		const command = times.get(`${path.slice(0, slash)}.${path.slice(slash)}.cmd`);
		return command === undefined ? /\.(?:o|a|ko)$/.test(path) : command < time;
	});
	for (const [path] of doomed) await rm(join(output, path), { force: true });
	return doomed.length;
}
