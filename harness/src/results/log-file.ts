// SPDX-License-Identifier: MIT
import { closeSync, constants, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, infrastructureError, messageOf, usageError } from '../core/errors.js';
import { makeFolder } from '../core/folder.js';
import { tryLockDescriptor } from '../core/lock.js';
import type { CaseResult, RunEvent } from './events.js';
import { MAX_LINE_BYTES } from './log-lines.js';
import { LOG_FILE, runNotFound } from './recorded-run.js';

/** Characters that are left of each long text of a result whose line would be too long. */
const CUT_CHARACTERS = 64 * 1024;
const CUT_ITEMS = 20;

/**
 * The file of an event log, open for appending and locked: the lock (flock(2), on the file itself) is given back when
 * it is closed or its process is gone, SIGKILL included.
 */
export class LogFile {
	private constructor(
		private readonly directory: string,
		private readonly descriptor: number,
	) {}

	/** Bytes of whole lines: what a write that fails leaves behind them is cut off. */
	private bytes = 0;
	private isOpen = true;

	/** @throws FencepostError RUN_DIRECTORY_TAKEN, RUN_DIRECTORY_FILE, RUN_DIRECTORY. */
	static create(directory: string): LogFile {
		try {
			makeFolder(directory);
			const descriptor = openSync(join(directory, LOG_FILE), 'ax');
			// A run directory may lie in the tree that is being built and bisected: git must not see a change in it.
			writeFileSync(join(directory, '.gitignore'), '*\n');
			// Where the file system has no locks nobody can resume the run while it goes on: for that they need one.
			tryLockDescriptor(descriptor);
			return new LogFile(directory, descriptor);
		} catch (error) {
			const code = errnoOf(error);
			if (code === 'EEXIST') {
				throw usageError(
					'RUN_DIRECTORY_TAKEN',
					`${directory} already holds the results of a run`,
					`name another folder with --out, or go on with that run: fencepost run --resume ${directory}`,
				);
			}
			if (code === 'ENOTDIR') {
				throw usageError(
					'RUN_DIRECTORY_FILE',
					`--out: ${directory} is a file, or below one`,
					'accepted: a folder, which is made where there is none',
				);
			}
			throw infrastructureError('RUN_DIRECTORY', `cannot write to ${directory}: ${messageOf(error)}`, {
				hint: 'name another folder with --out',
				cause: error,
			});
		}
	}

	/** @throws FencepostError RUN_NOT_FOUND, RUN_DIRECTORY, RUN_STILL_WRITTEN, LOCK_FAILED. */
	static open(directory: string): LogFile {
		let descriptor: number;
		try {
			descriptor = openSync(join(directory, LOG_FILE), constants.O_RDWR | constants.O_APPEND);
		} catch (error) {
			const code = errnoOf(error);
			if (code === 'ENOENT' || code === 'ENOTDIR') throw runNotFound(directory);
			throw infrastructureError('RUN_DIRECTORY', `cannot write to ${directory}: ${messageOf(error)}`, { cause: error });
		}
		const lock = tryLockDescriptor(descriptor);
		if (lock === 'held') return new LogFile(directory, descriptor);
		closeSync(descriptor);
		if (lock === 'taken') {
			throw usageError(
				'RUN_STILL_WRITTEN',
				`${directory}: another process is writing this run`,
				'wait for it to end, or stop it, and resume then',
			);
		}
		throw infrastructureError('LOCK_FAILED', `cannot lock ${join(directory, LOG_FILE)}: ${lock.why}`, {
			hint: 'copy the run directory to a file system that has locks; flock(1) is in util-linux',
		});
	}

	/** Cuts off what stands behind the whole lines. */
	cut(bytes: number): void {
		ftruncateSync(this.descriptor, bytes);
		this.bytes = bytes;
	}

	/** Writes one line, whole or not at all. @throws FencepostError DISK_FULL, EVENT_LOG. */
	append(event: RunEvent): void {
		const line = lineOf(event);
		try {
			for (let offset = 0; offset < line.length; ) offset += writeSync(this.descriptor, line, offset);
		} catch (error) {
			// Or the next line would stand behind half of this one.
			ftruncateSync(this.descriptor, this.bytes);
			const full = errnoOf(error) === 'ENOSPC';
			throw infrastructureError(
				full ? 'DISK_FULL' : 'EVENT_LOG',
				full ? `no room left to record results in ${this.directory}` : `cannot record results: ${messageOf(error)}`,
				{
					hint: full
						? `free some space, then: fencepost run --resume ${this.directory}; what was recorded is in ${LOG_FILE}`
						: undefined,
					cause: error,
				},
			);
		}
		this.bytes += line.length;
	}

	/** May be called again. */
	close(): void {
		if (this.isOpen) closeSync(this.descriptor);
		this.isOpen = false;
	}
}

function lineOf(event: RunEvent): Buffer {
	const line = Buffer.from(`${JSON.stringify(event)}\n`);
	if (line.length <= MAX_LINE_BYTES || event.type !== 'case') return line;
	return Buffer.from(`${JSON.stringify({ ...event, result: cutResult(event.result) })}\n`);
}

/** A result that a guest made too long to be read back keeps what decides, and the beginning of the rest. */
function cutResult(result: CaseResult): CaseResult {
	const cut = (text: string) =>
		text.length <= CUT_CHARACTERS ? text : `${text.slice(0, CUT_CHARACTERS)}… (${text.length} characters, cut)`;
	return {
		...result,
		reason: cut(result.reason),
		diagnostics: result.diagnostics?.slice(0, CUT_ITEMS).map(([key, value]) => [cut(key), cut(value)] as const),
		splats: result.splats
			?.slice(0, CUT_ITEMS)
			.map((splat) => ({ ...splat, title: cut(splat.title), report: cut(splat.report) })),
		earlier: result.earlier?.slice(0, CUT_ITEMS).map((one) => ({ ...one, reason: cut(one.reason) })),
	};
}
