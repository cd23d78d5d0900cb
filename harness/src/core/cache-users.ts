// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { infrastructureError } from './errors.js';
import { makeFolder } from './folder.js';
import { isFileAt, tryLockDescriptor } from './lock.js';

// Each process that uses a cache keeps a file of its own locked in the cache's folder `users`, from its first use to its
// end, whatever ends it. What anybody uses is touched before it is looked at. So nothing that was used last before the
// oldest of these processes began can be in use: that is what may be removed while others run.

const FOLDER = 'users';
/** Clocks of files lag behind that of processes, by a tick of the kernel's. */
const MARGIN_MS = 1000;
const MAX_TRIES = 50;

/** Our file for each cache, kept open for as long as we run. */
const registered = new Map<string, string>();

/** Tells other processes that this one uses a cache. Once done, it costs nothing. */
export function registerUser(root: string): void {
	if (registered.has(root)) return;
	registered.set(root, '');
	for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
		const file = join(root, FOLDER, `${process.pid}-${randomUUID()}`);
		let descriptor: number;
		try {
			makeFolder(join(root, FOLDER));
			descriptor = openSync(file, 'wx');
		} catch {
			// A cache that cannot be written to: nothing can be removed from it either.
			return;
		}
		// Somebody who looks for processes that are gone may have come between.
		if (tryLockDescriptor(descriptor) === 'held' && isFileAt(file, descriptor)) {
			registered.set(root, file);
			process.once('exit', () => removeQuietly(file));
			return;
		}
		closeSync(descriptor);
		removeQuietly(file);
	}
}

/** The other processes that use a cache now. */
export class OtherUsers {
	private constructor(
		/** Process ids, oldest process first. */
		readonly pids: readonly number[],
		/** When the oldest began to use the cache, milliseconds since 1970; infinity when there is none. */
		readonly sinceMs: number,
	) {}

	/** Looks who is alive; what processes that are gone left behind is removed. @throws LOCK_FAILED without flock. */
	static async of(root: string): Promise<OtherUsers> {
		const found: { pid: number; sinceMs: number }[] = [];
		for (const name of await readdir(join(root, FOLDER)).catch(() => [])) {
			const file = join(root, FOLDER, name);
			if (file === registered.get(root)) continue;
			const sinceMs = livingSince(file);
			if (sinceMs !== undefined) found.push({ pid: Number.parseInt(name, 10), sinceMs });
		}
		found.sort((a, b) => a.sinceMs - b.sinceMs);
		return new OtherUsers(
			found.map(({ pid }) => pid),
			found[0]?.sinceMs ?? Number.POSITIVE_INFINITY,
		);
	}

	/** Whether something that was used last at this time may be in use. */
	mayUse(usedAt: Date): boolean {
		return usedAt.getTime() >= this.sinceMs - MARGIN_MS;
	}

	/** The same in words; undefined when it is in nobody's use. */
	whyItStays(usedAt: Date): string | undefined {
		if (!this.mayUse(usedAt)) return undefined;
		const more = this.pids.length > 1 ? ` and ${this.pids.length - 1} more` : '';
		return `used since process ${this.pids[0] ?? 'unknown'}${more} began, which still runs`;
	}
}

function livingSince(file: string): number | undefined {
	let descriptor: number;
	try {
		descriptor = openSync(file, 'r+');
	} catch {
		return undefined;
	}
	try {
		const state = tryLockDescriptor(descriptor);
		// Asked of the open file: whoever holds it may end now, and takes its name away.
		if (state === 'taken') return fstatSync(descriptor).mtimeMs;
		if (state !== 'held') {
			throw infrastructureError('LOCK_FAILED', `cannot tell who uses the cache: ${state.why}`, {
				hint: 'flock(1) is in the package util-linux; the file system must have locks',
			});
		}
		removeQuietly(file);
		return undefined;
	} finally {
		closeSync(descriptor);
	}
}

function removeQuietly(file: string): void {
	try {
		unlinkSync(file);
	} catch {
		// It is gone, or cannot be removed; without its lock it means nothing.
	}
}
