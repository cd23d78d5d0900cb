// SPDX-License-Identifier: MIT
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, FencepostError, infrastructureError, messageOf } from '../core/errors.js';
import type { ResultCount } from './counting.js';
import { parseLogEvent } from './log-event.js';
import { logLines } from './log-lines.js';
import { damaged, LOG_FILE } from './recorded-run.js';

const BATCH_CHARACTERS = 64 * 1024;

/**
 * Writes results.json from the event log, whole or not at all, one line in memory at a time.
 * @param count what the log's lines were counted with
 * @throws FencepostError DISK_FULL, RUN_LOG_DAMAGED when the log is not what was counted
 */
export async function writeResultsFromLog(directory: string, exit: number, count: ResultCount): Promise<void> {
	const temporary = join(directory, '.results.json');
	try {
		await pipeline(resultsText(join(directory, LOG_FILE), exit, count), createWriteStream(temporary));
		await rename(temporary, join(directory, 'results.json'));
	} catch (error) {
		await rm(temporary, { force: true });
		if (error instanceof FencepostError) throw error;
		const full = errnoOf(error) === 'ENOSPC';
		throw infrastructureError(
			full ? 'DISK_FULL' : 'RESULTS_FILE',
			full ? `no room left for results.json in ${directory}` : `cannot write results.json: ${messageOf(error)}`,
			{ hint: `free some space, then: fencepost run --resume ${directory}`, cause: error },
		);
	}
}

async function* resultsText(log: string, exit: number, count: ResultCount): AsyncGenerator<string> {
	const totals = count.snapshot();
	const expected = Object.values(totals).reduce((sum, one) => sum + one, 0);
	let written = 0;
	let text = `{\n "schema": 1,\n "exit": ${exit},\n "totals": ${JSON.stringify(totals)},\n "results": [`;
	for await (const { text: line, number } of logLines(log)) {
		const event = line?.startsWith('{"type":"case"') ? parseLogEvent(line) : undefined;
		if (event?.type !== 'case' || !count.counts(event.result, number)) continue;
		text += `${written++ === 0 ? '' : ','}\n  ${JSON.stringify(event.result)}`;
		if (text.length < BATCH_CHARACTERS) continue;
		yield text;
		text = '';
	}
	if (written !== expected) throw damaged(log, `${written} results are in it, and ${expected} were recorded`);
	yield `${text}\n ]\n}\n`;
}
