// SPDX-License-Identifier: MIT
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { timestamp } from '../core/clock.js';
import { FencepostError, usageError } from '../core/errors.js';
import type { Verdict } from '../verdict/verdict.js';
import { ResultCount } from './counting.js';
import { DoneCases } from './done-cases.js';
import type { CaseEvent, CaseResult, RunEvent, Totals } from './events.js';
import { LogFile } from './log-file.js';
import { type ReadLog, type RecordedRun, readLog } from './recorded-run.js';
import { recordedEvents } from './replay.js';
import { writeResultsFromLog } from './results-file.js';
import { isFailing } from './totals.js';

/**
 * The event log of a run: JSON Lines, append-only. A line is written, whole, before `append` returns, so a case
 * counts as done only when it is on its way to the disk by the kernel's hands and not ours. Nothing of what is
 * appended is kept in memory but its count.
 */
export class EventLog {
	/** What earlier parts of the run have recorded; it does not change while this part goes on. */
	readonly done: DoneCases;
	/** The run that goes on here, as it was found; undefined when this is its first part. */
	readonly run: RecordedRun | undefined;
	private readonly file: LogFile;
	private readonly count: ResultCount;
	private lineCount: number;

	/** The log of a new run. @throws FencepostError RUN_DIRECTORY_TAKEN, RUN_DIRECTORY_FILE, RUN_DIRECTORY. */
	constructor(
		readonly directory: string,
		found?: { readonly file: LogFile; readonly log: ReadLog },
	) {
		this.file = found?.file ?? LogFile.create(directory);
		this.run = found?.log.run;
		this.done = found?.log.run.done ?? new DoneCases();
		this.count = found?.log.count ?? new ResultCount();
		this.lineCount = found?.log.lineCount ?? 0;
	}

	/** The log of a new run in the folder, or where that holds a run already in one with -2, -3 and so on behind its name. */
	static beside(directory: string): EventLog {
		for (let number = 1; ; number++) {
			try {
				return new EventLog(number === 1 ? directory : `${directory}-${number}`);
			} catch (error) {
				if (!(error instanceof FencepostError && error.code === 'RUN_DIRECTORY_TAKEN')) throw error;
			}
		}
	}

	/**
	 * Opens the log of a run that did not end, to go on with it. A line that was half-written is cut off. When
	 * `run.finished` is set nothing is left to do, and nothing may be appended.
	 * @param version of this program: results of two versions are not mixed
	 * @param options.redoMisses has every miss judged again, those of a run that ended too
	 * @throws usage errors RUN_NOT_FOUND, RUN_STILL_WRITTEN, RUN_VERSION, RUN_LOG_DAMAGED
	 */
	static async resume(
		directory: string,
		version: string,
		options: { readonly redoMisses?: boolean } = {},
	): Promise<EventLog> {
		const file = LogFile.open(directory);
		try {
			const log = await readLog(directory);
			if (log.run.version !== version) {
				throw usageError(
					'RUN_VERSION',
					`${directory} was begun by fencepost ${log.run.version}; this is ${version}, whose cases and rules may differ`,
					'resume it with the version that began it, or run anew into another folder',
				);
			}
			file.cut(log.bytes);
			if (!options.redoMisses || log.run.totals.miss === 0) return new EventLog(directory, { file, log });
			file.append({ type: 'misses-dropped', time: timestamp() });
			return new EventLog(directory, { file, log: await readLog(directory) });
		} catch (error) {
			file.close();
			throw error;
		}
	}

	/** Results by verdict, those of earlier parts included. */
	get totals(): Totals {
		return this.count.snapshot();
	}

	/**
	 * The line for a judged case; undefined when an earlier part of the run has recorded that case and this does not
	 * change it. What is recorded stands, but a failure is never hidden by an earlier pass, and a miss gives way to
	 * any verdict.
	 */
	caseEvent(result: CaseResult): CaseEvent | undefined {
		const before = this.done.verdict(result);
		const event = { type: 'case', time: timestamp(), result } as const;
		if (before === undefined) return event;
		if (!supersedes(result.verdict, before)) return undefined;
		const earlier = [{ verdict: before, reason: 'before the run was resumed' }, ...(result.earlier ?? [])];
		const flaky = before === 'miss' ? {} : { flaky: true };
		return { ...event, result: { ...result, attempts: result.attempts + 1, earlier, ...flaky }, again: true };
	}

	/** @throws FencepostError DISK_FULL (or what else kept it from being written); nothing is half-counted. */
	append(event: RunEvent): void {
		if (this.run?.finished) throw new Error(`${this.directory}: nothing can be added to a run that has ended`);
		this.file.append(event);
		this.lineCount++;
		if (event.type === 'run-start') this.count.beginPart(this.lineCount);
		if (event.type === 'case') this.count.count(event.result, event.again ?? false, this.lineCount, this.done);
	}

	/** The events of earlier parts that a report of the whole run is made of. */
	earlierEvents(): AsyncGenerator<RunEvent> {
		return recordedEvents(this.directory, this.count);
	}

	/** Writes results.json from the log, whole or not at all; memory does not grow with it. */
	async writeResults(exit: number): Promise<void> {
		await writeResultsFromLog(this.directory, exit, this.count);
	}

	/** Of a run that has ended: writes results.json when it is not there any more. */
	async restoreResults(): Promise<void> {
		const { finished } = this.run ?? {};
		const there = await access(join(this.directory, 'results.json')).then(
			() => true,
			() => false,
		);
		if (finished && !there) await this.writeResults(finished.exit);
	}

	close(): void {
		this.file.close();
	}
}

/** Whether a verdict takes the place of one that an earlier part recorded for the same case. */
function supersedes(verdict: Verdict, before: Verdict): boolean {
	return before === 'miss' ? verdict !== 'miss' : isFailing(verdict) && !isFailing(before);
}
