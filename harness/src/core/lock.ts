// SPDX-License-Identifier: MIT
import { spawn, spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { infrastructureError } from './errors.js';

export interface Lock {
	release(): Promise<void>;
}

/**
 * Takes an exclusive lock on a file through flock(1), which the kernel gives back the moment the holder dies,
 * SIGKILL included: flock's child is `cat` on a pipe from us, and ends with us. `onWait` is called once when
 * somebody else holds it. @throws when aborted, or when flock is not there.
 */
export async function acquireLock(path: string, signal?: AbortSignal, onWait?: () => void): Promise<Lock> {
	signal?.throwIfAborted();
	await mkdir(dirname(path), { recursive: true });
	const child = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo held && exec cat >/dev/null'], {
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
	const abort = () => child.kill('SIGKILL');
	signal?.addEventListener('abort', abort, { once: true });
	const waiting = setTimeout(() => onWait?.(), 500);
	try {
		await new Promise<void>((resolve, reject) => {
			child.once('error', (cause) =>
				reject(infrastructureError('LOCK_FAILED', `cannot lock ${path}`, { hint: 'install util-linux', cause })),
			);
			child.stdout.once('data', () => resolve());
			child.once('close', () =>
				reject(signal?.reason ?? infrastructureError('LOCK_FAILED', `cannot lock ${path}: flock ended without it`)),
			);
		});
	} finally {
		clearTimeout(waiting);
		signal?.removeEventListener('abort', abort);
	}
	child.stdin.on('error', () => {});
	child.unref();
	return {
		release: async () => {
			// While held it must not keep us alive; now we wait for it, with perhaps nothing else to wait for.
			child.ref();
			child.stdin.end();
			await ended;
		},
	};
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

/**
 * Locks an open file, if nobody has it locked: flock(1) locks the open file that it shares with us (flock(2)), so the
 * lock outlives it, and ends when the last descriptor of that open file is closed, at the latest with this process.
 */
export function tryLockDescriptor(descriptor: number): 'held' | 'taken' | { readonly why: string } {
	const { status, error, stderr } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
		stdio: ['ignore', 'ignore', 'pipe', descriptor],
		encoding: 'utf8',
	});
	if (status === 0) return 'held';
	if (status === 1) return 'taken';
	return { why: error?.message ?? (stderr.trim() || `flock ended with status ${status}`) };
}
