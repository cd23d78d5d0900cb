// SPDX-License-Identifier: MIT
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { infrastructureError, messageOf } from './errors.js';
import { makeFolder } from './folder.js';

// flock(1) locks an open file that it shares with us and ends. The lock is the open file's (flock(2)): it lasts until
// we close it, and the kernel gives it back the moment we are gone, SIGKILL included. Node opens files close-on-exec,
// so no other program that we start holds it on.

export interface Lock {
	release(): Promise<void>;
}

/**
 * Takes an exclusive lock on a file, which is made when it is not there. `onWait` is called once when somebody else
 * holds it. @throws when aborted, or when flock is not there.
 */
export async function acquireLock(path: string, signal?: AbortSignal, onWait?: () => void): Promise<Lock> {
	signal?.throwIfAborted();
	for (;;) {
		const descriptor = openLockFile(path);
		try {
			await waitForLock(descriptor, path, signal, onWait);
		} catch (error) {
			closeSync(descriptor);
			throw error;
		}
		if (isFileAt(path, descriptor)) return lockOf(descriptor);
		// Somebody removed it while we waited: others lock another file by now.
		closeSync(descriptor);
	}
}

/** Takes the lock when nobody has it; undefined when somebody does. @throws when flock is not there. */
export function tryLock(path: string): Lock | undefined {
	for (;;) {
		const descriptor = openLockFile(path);
		const state = tryLockDescriptor(descriptor);
		if (state === 'held' && isFileAt(path, descriptor)) return lockOf(descriptor);
		closeSync(descriptor);
		if (state === 'taken') return undefined;
		if (state !== 'held') throw infrastructureError('LOCK_FAILED', `cannot lock ${path}: ${state.why}`, LOCK_HINT);
	}
}

/** Locks an open file, when nobody has it locked. */
export function tryLockDescriptor(descriptor: number): 'held' | 'taken' | { readonly why: string } {
	const { status, error, stderr } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
		stdio: ['ignore', 'ignore', 'pipe', descriptor],
		encoding: 'utf8',
	});
	if (status === 0) return 'held';
	if (status === 1) return 'taken';
	return { why: error?.message ?? (stderr.trim() || `flock ended with status ${status}`) };
}

/** Whether the file at a path is the one that is open. */
export function isFileAt(path: string, descriptor: number): boolean {
	const there = statSync(path, { throwIfNoEntry: false });
	const open = fstatSync(descriptor);
	return there?.ino === open.ino && there.dev === open.dev;
}

/** Runs `work` while holding the lock on `path`. */
export async function withLock<T>(
	path: string,
	work: () => Promise<T>,
	signal?: AbortSignal,
	onWait?: () => void,
): Promise<T> {
	const lock = await acquireLock(path, signal, onWait);
	try {
		return await work();
	} finally {
		await lock.release();
	}
}

const LOCK_HINT = { hint: 'flock(1) is in the package util-linux; the file system must have locks' };

function openLockFile(path: string): number {
	try {
		makeFolder(dirname(path));
		return openSync(path, 'a');
	} catch (cause) {
		throw infrastructureError('LOCK_FAILED', `cannot lock ${path}: ${messageOf(cause)}`, {
			hint: 'its folder must be one that can be written to',
			cause,
		});
	}
}

function lockOf(descriptor: number): Lock {
	let open = true;
	return {
		release: async () => {
			if (open) closeSync(descriptor);
			open = false;
		},
	};
}

async function waitForLock(
	descriptor: number,
	path: string,
	signal: AbortSignal | undefined,
	onWait: (() => void) | undefined,
): Promise<void> {
	const child = spawn('flock', ['--exclusive', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
	const abort = () => child.kill('SIGKILL');
	signal?.addEventListener('abort', abort, { once: true });
	const waiting = setTimeout(() => onWait?.(), 500);
	try {
		await new Promise<void>((resolve, reject) => {
			const failed = (why: string, cause?: unknown) =>
				reject(infrastructureError('LOCK_FAILED', `cannot lock ${path}: ${why}`, { ...LOCK_HINT, cause }));
			child.once('error', (cause) => failed(cause.message, cause));
			child.once('close', (status) => {
				if (status === 0) resolve();
				else if (signal?.aborted) reject(signal.reason);
				else failed(`flock ended with status ${status ?? 'unknown'}`);
			});
		});
	} finally {
		clearTimeout(waiting);
		signal?.removeEventListener('abort', abort);
	}
}
