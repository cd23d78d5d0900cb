// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import type { ResultCount } from './counting.js';
import type { RunEvent } from './events.js';
import { parseLogEvent } from './log-event.js';
import { logLines } from './log-lines.js';
import { LOG_FILE } from './recorded-run.js';

/** What a reporter needs of the parts of a run that came before, to report the whole of it; kernels are told of again. */
const REPORTED: ReadonlySet<string> = new Set(['suite-end', 'note']);

/** The events of a run's earlier parts, one at a time: results that still count, and what frames them. */
export async function* recordedEvents(directory: string, count: ResultCount): AsyncGenerator<RunEvent> {
	for await (const { text, number } of logLines(join(directory, LOG_FILE))) {
		const event = text === undefined ? undefined : parseLogEvent(text);
		const reported = event?.type === 'case' ? count.counts(event.result, number) : REPORTED.has(event?.type ?? '');
		// The log is our own, and its lines were checked when it was opened.
		if (reported && text !== undefined) yield JSON.parse(text) as RunEvent;
	}
}
