// SPDX-License-Identifier: MIT
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, infrastructureError, messageOf } from '../core/errors.js';
import type { ResultsFile, RunEvent } from './events.js';

/**
 * The event log of a run: JSON Lines, append-only. A line is written, whole, before `append` returns, so a case
 * counts as done only when it is on its way to the disk by the kernel's hands and not ours.
 */
export class EventLog {
	private readonly descriptor: number;

	constructor(readonly directory: string) {
		try {
			mkdirSync(directory, { recursive: true });
			this.descriptor = openSync(join(directory, 'events.jsonl'), 'ax');
			// A run directory may lie in the tree that is being built and bisected: git must not see a change in it.
			writeFileSync(join(directory, '.gitignore'), '*\n');
		} catch (error) {
			if (errnoOf(error) === 'EEXIST') {
				throw infrastructureError('RUN_DIRECTORY_TAKEN', `${directory} already holds the results of a run`, {
					hint: 'name another folder with --out',
				});
			}
			throw infrastructureError('RUN_DIRECTORY', `cannot write to ${directory}: ${messageOf(error)}`, {
				hint: 'name another folder with --out',
				cause: error,
			});
		}
	}

	/** @throws FencepostError DISK_FULL (or what else kept it from being written); nothing is half-counted. */
	append(event: RunEvent): void {
		const line = Buffer.from(`${JSON.stringify(event)}\n`);
		try {
			for (let offset = 0; offset < line.length; ) offset += writeSync(this.descriptor, line, offset);
		} catch (error) {
			const full = errnoOf(error) === 'ENOSPC';
			throw infrastructureError(
				full ? 'DISK_FULL' : 'EVENT_LOG',
				full ? `no room left to record results in ${this.directory}` : `cannot record results: ${messageOf(error)}`,
				{
					hint: full ? 'free some space and run again; what was recorded is in events.jsonl' : undefined,
					cause: error,
				},
			);
		}
	}

	close(): void {
		closeSync(this.descriptor);
	}
}

/** Writes results.json whole or not at all. */
export async function writeResults(directory: string, results: ResultsFile): Promise<void> {
	const temporary = join(directory, '.results.json');
	await writeFile(temporary, `${JSON.stringify(results, null, 1)}\n`);
	await rename(temporary, join(directory, 'results.json'));
}
