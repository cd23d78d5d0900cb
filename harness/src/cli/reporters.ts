// SPDX-License-Identifier: MIT
import { appendFileSync, createWriteStream, openSync, statSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, usageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { GithubReporter, type SummarySink } from '../report/github.js';
import { type DocumentSink, JunitReporter } from '../report/junit.js';
import type { Reporter } from '../report/reporter.js';
import type { Status } from '../report/status.js';
import { TapReporter } from '../report/tap.js';
import { TerminalReporter } from '../report/terminal.js';

/** What --reporter accepts, with the help's words for each. */
export const REPORTERS = ['tap', 'terminal', 'junit', 'github'] as const;

const SUMMARY_BYTES = 1024 * 1024;

/**
 * The reporters asked for. Without any: for people when standard output is a terminal, else TAP there and, for
 * people who watch, failures and the summary on standard error.
 */
export function createReporters(asked: readonly string[] | undefined, status: Status): Reporter[] {
	const stdout = (text: string) => void process.stdout.write(text);
	const stderr = (text: string) => void process.stderr.write(text);
	if (!asked || asked.length === 0) {
		if (process.stdout.isTTY) return [new TerminalReporter(status, stdout, colors(process.stdout))];
		return [new TapReporter(stdout), new TerminalReporter(status, stderr, colors(process.stderr))];
	}
	return asked.map((text) => {
		const [name = '', file] = text.split(/=(.*)/s);
		if (file === '') throw usageError('REPORTER_FILE', `--reporter ${text}: no file after =`);
		const write = () => (file === undefined ? stdout : fileSink(resolve(file)));
		switch (name) {
			case 'tap':
				return new TapReporter(write());
			case 'terminal':
				return new TerminalReporter(status, write(), file === undefined && colors(process.stdout));
			case 'junit':
				return new JunitReporter(file === undefined ? stdout : documentFile(resolve(file)));
			case 'github':
				return new GithubReporter(stdout, summaryFile(file ?? process.env['GITHUB_STEP_SUMMARY']));
			default: {
				const meant = nearest(name, REPORTERS);
				throw usageError(
					'REPORTER_UNKNOWN',
					`--reporter: unknown reporter "${name}"`,
					`${meant ? `did you mean ${meant}? ` : ''}accepted: ${REPORTERS.join(', ')}, each with =FILE if it is to go to a file`,
				);
			}
		}
	});
}

/** A report that cannot be written is said once, and the run does not end as if all were well. */
function unwritten(path: string, error: unknown): void {
	process.stderr.write(`fencepost: cannot write the report ${path}: ${messageOf(error)}\n`);
	process.exitCode ||= 3;
}

function fileSink(path: string): (text: string) => void {
	const stream = createWriteStream(path);
	stream.on('error', (error) => unwritten(path, error));
	return (text) => void stream.write(text);
}

/** A document that is whole after each part: what closes it is written with it, and over it goes the next. */
function documentFile(path: string): DocumentSink {
	let descriptor: number | undefined;
	let offset = 0;
	let broken = false;
	return (part, closing) => {
		if (broken) return;
		try {
			descriptor ??= openSync(path, 'w');
			const bytes = Buffer.from(part + closing);
			for (let done = 0; done < bytes.length; ) {
				done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
			}
			offset += Buffer.byteLength(part);
		} catch (error) {
			broken = true;
			unwritten(path, error);
		}
	};
}

/** The job's summary: earlier steps' words in it count against its size too. Undefined outside of a workflow. */
function summaryFile(path: string | undefined): SummarySink | undefined {
	if (path === undefined || path === '') return undefined;
	return {
		maxBytes: Math.max(0, SUMMARY_BYTES - (statSync(path, { throwIfNoEntry: false })?.size ?? 0)),
		write: (text) => {
			try {
				appendFileSync(path, text);
			} catch (error) {
				unwritten(path, error);
			}
		},
	};
}

/** NO_COLOR (no-color.org) and FORCE_COLOR rule; else a terminal gets colours. */
function colors(stream: NodeJS.WriteStream): boolean {
	if (process.env['NO_COLOR']) return false;
	return Boolean(process.env['FORCE_COLOR']) || stream.isTTY;
}
