// SPDX-License-Identifier: MIT
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../core/process.js';

/**
 * Removes what a killed build may have left half-written. kbuild writes `.X.cmd` after X is complete, and on
 * the next build trusts an X that is newer than its sources: an X newer than its `.X.cmd`, or an object
 * without one, may be cut short. So may be a `.X.cmd`, which make then reads as a part of the Makefile.
 * @returns how many files were removed.
 */
export async function removeHalfWritten(output: string, signal: AbortSignal): Promise<number> {
	const { stdout } = await run('find', [output, '-type', 'f', '-printf', '%T@ %P\n'], { signal, package: 'findutils' });
	const times = new Map<string, number>();
	for (const line of stdout.split('\n')) {
		const space = line.indexOf(' ');
		if (space > 0) times.set(line.slice(space + 1), Number(line.slice(0, space)));
	}
	const doomed = new Set<string>();
	for (const [path, time] of times) {
		const command = times.get(commandFile(path));
		if (command === undefined ? /\.(?:o|a|ko)$/.test(path) : command < time) doomed.add(path);
	}
	for (const path of times.keys()) {
		const target = /^(.*\/)?\.([^/]+)\.cmd$/.exec(path);
		if (!target || !isCut(await readFile(join(output, path), 'utf8'))) continue;
		doomed.add(path);
		const made = `${target[1] ?? ''}${target[2]}`;
		if (times.has(made)) doomed.add(made);
	}
	for (const path of doomed) await rm(join(output, path), { force: true });
	return doomed.size;
}

function commandFile(path: string): string {
	const slash = path.lastIndexOf('/') + 1;
	return `${path.slice(0, slash)}.${path.slice(slash)}.cmd`;
}

/**
 * Whether the text of a `.X.cmd` stops before its end. scripts/basic/fixdep.c writes the command, then `source_X`, `deps_X`
 * over many lines, and a rule for `$(deps_X)`; where there are no dependencies, it is the command's line alone.
 */
function isCut(text: string): boolean {
	if (!text.endsWith('\n') || text.endsWith('\\\n')) return true;
	return /^source_/m.test(text) && !/^\$\(deps_.*\):/m.test(text);
}
