// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { errnoOf, FencepostError, infrastructureError, messageOf, usageError } from '../core/errors.js';
import { ResultCount } from './counting.js';
import { DoneCases } from './done-cases.js';
import { LOG_SCHEMA, type Totals } from './events.js';
import { type LogEvent, parseLogEvent } from './log-event.js';
import { logLines, MAX_LINE_BYTES } from './log-lines.js';
import { EXIT } from './totals.js';

export const LOG_FILE = 'events.jsonl';

/** What a run directory tells of its run, all parts of it together. */
export interface RecordedRun {
	readonly directory: string;
	readonly argv: readonly string[];
	/** The folder that paths in `argv` are relative to. */
	readonly cwd: string;
	readonly version: string;
	readonly planHash: string | undefined;
	/** When its first part began, ISO 8601. */
	readonly startedAt: string;
	/** How often it was resumed already. */
	readonly resumed: number;
	/** How it ended, when nothing of it is left to do. */
	readonly finished: { readonly exit: number; readonly totals: Totals } | undefined;
	/** Milliseconds that those parts took which told their end. */
	readonly durationMs: number;
	/** The kernels it ran on, as they were last. */
	readonly kernels: readonly { readonly kernel: string; readonly arch: string; readonly id: string }[];
	/** The highest number a guest has in its name; 0 when there was none. */
	readonly lastGuest: number;
	readonly totals: Totals;
	readonly done: DoneCases;
}

/** Reads what a run has recorded so far. @throws usage errors RUN_NOT_FOUND, RUN_LOG_DAMAGED, RUN_VERSION. */
export async function readRun(directory: string): Promise<RecordedRun> {
	return (await readLog(directory)).run;
}

/** A run, and how much of its log is whole lines. */
export interface ReadLog {
	readonly run: RecordedRun;
	readonly count: ResultCount;
	readonly lineCount: number;
	/** Bytes of whole lines; what stands behind them is half a line. */
	readonly bytes: number;
}

export async function readLog(directory: string): Promise<ReadLog> {
	const file = join(directory, LOG_FILE);
	const reader = new LogReader(directory, file);
	let [lineCount, bytes] = [0, 0];
	try {
		for await (const line of logLines(file)) {
			reader.take(parseLine(file, line.number, line.text), line.number);
			lineCount = line.number;
			bytes = line.endByte;
		}
	} catch (error) {
		if (error instanceof FencepostError) throw error;
		const code = errnoOf(error);
		if (code === 'ENOENT' || code === 'ENOTDIR') throw runNotFound(directory);
		throw infrastructureError('RUN_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
	}
	return { run: reader.end(), count: reader.count, lineCount, bytes };
}

function parseLine(file: string, number: number, text: string | undefined): LogEvent | undefined {
	if (text === undefined) throw damaged(`${file}:${number}`, `the line is longer than ${MAX_LINE_BYTES} bytes`);
	try {
		return parseLogEvent(text);
	} catch (error) {
		throw damaged(`${file}:${number}`, messageOf(error));
	}
}

export function runNotFound(directory: string): FencepostError {
	return usageError(
		'RUN_NOT_FOUND',
		`${directory} holds no run: there is no ${LOG_FILE} in it`,
		'name the folder that the run was given with --out, or one below runs/',
	);
}

export function damaged(where: string, what: string): FencepostError {
	return usageError(
		'RUN_LOG_DAMAGED',
		`${where}: ${what}`,
		'it was changed by something else; run anew into another folder',
	);
}

class LogReader {
	private start: Extract<LogEvent, { type: 'run-start' }> | undefined;
	private resumed = 0;
	private finished: number | undefined;
	private durationMs = 0;
	private lastGuest = 0;
	private readonly kernels = new Map<string, RecordedRun['kernels'][number]>();
	private readonly done = new DoneCases();
	readonly count = new ResultCount();

	constructor(
		private readonly directory: string,
		private readonly file: string,
	) {}

	take(event: LogEvent | undefined, line: number): void {
		if (this.start === undefined && event?.type !== 'run-start') {
			throw damaged(`${this.file}:${line}`, 'the log of a run begins with run-start');
		}
		switch (event?.type) {
			case 'run-start':
				this.takeStart(event, line);
				break;
			case 'run-end':
				this.durationMs += event.durationMs;
				if (event.stopped === undefined && event.exit !== EXIT.interrupted) this.finished = event.exit;
				break;
			case 'kernel-ready':
				this.kernels.set(`${event.kernel} ${event.arch}`, { kernel: event.kernel, arch: event.arch, id: event.id });
				break;
			case 'guest-start':
			case 'guest-ready':
				this.lastGuest = Math.max(this.lastGuest, Number(/^\d{1,9}/.exec(event.guest)?.[0] ?? 0));
				break;
			case 'case':
				if (this.count.count(event.result, event.again ?? false, line, this.done)) {
					this.done.replace(event.result, event.result.verdict);
				} else this.done.add(event.result, event.result.verdict);
				break;
			case 'suite-end':
				this.done.endGroup(event.group);
				break;
			case 'misses-dropped':
				if (this.count.totals.miss > 0) this.finished = undefined;
				this.done.dropMisses();
				this.count.dropMisses(line);
				break;
		}
	}

	end(): RecordedRun {
		const { start, finished } = this;
		const totals = this.count.snapshot();
		if (start?.cwd === undefined) throw damaged(this.file, 'nothing is recorded in it');
		return {
			directory: this.directory,
			argv: start.argv,
			cwd: start.cwd,
			version: start.version,
			planHash: start.planHash,
			startedAt: start.time,
			resumed: this.resumed,
			finished: finished === undefined ? undefined : { exit: finished, totals },
			durationMs: this.durationMs,
			kernels: [...this.kernels.values()],
			lastGuest: this.lastGuest,
			totals,
			done: this.done,
		};
	}

	private takeStart(event: Extract<LogEvent, { type: 'run-start' }>, line: number): void {
		if (event.schema !== LOG_SCHEMA || event.cwd === undefined) {
			throw usageError(
				'RUN_VERSION',
				`${this.file}:${line}: written by fencepost ${event.version}, as schema ${event.schema ?? 0}; this one reads schema ${LOG_SCHEMA}`,
				'resume it with the version that wrote it, or run anew into another folder',
			);
		}
		this.start ??= event;
		this.resumed = event.resumed ?? 0;
		this.finished = undefined;
		this.count.beginPart(line);
	}
}
