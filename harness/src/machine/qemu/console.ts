// SPDX-License-Identifier: MIT
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { nowMs } from '../../core/clock.js';

/** A console file never grows beyond this; what comes after is still read and judged, only not kept. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;

/** A guest's console: kept in a file, handed on as it comes, its tail remembered for error messages. */
export class ConsoleLog {
	private readonly file: WriteStream;
	private written = 0;
	private recent = Buffer.alloc(0);
	private waiters: { text: string; resolve: () => void }[] = [];
	/** When the last byte came, on the clock of core/clock; undefined while the console is empty. */
	lastByteMs: number | undefined;
	/** Set when the file could not be written: the host's disk is full. */
	writeError: Error | undefined;
	/** Settles when the guest's end of the console is closed and the file is on disk. Never rejects. */
	readonly closed: Promise<void>;

	constructor(path: string, source: Readable, onData: (bytes: Uint8Array) => void) {
		this.file = createWriteStream(path, { flags: 'a' });
		const fileDone = new Promise<void>((resolve) => {
			this.file.once('close', resolve);
			this.file.on('error', (error) => {
				this.writeError = error;
				resolve();
			});
		});
		const sourceDone = new Promise<void>((resolve) => source.once('close', resolve));
		source.on('error', () => {});
		source.on('data', (chunk: Buffer) => {
			this.lastByteMs = nowMs();
			this.keep(chunk);
			onData(chunk);
		});
		this.closed = sourceDone.then(() => {
			this.file.end();
			return fileDone;
		});
	}

	/** The last lines shown, cleaned for a message; says so when nothing was ever printed. */
	tail(lines = 20): string {
		const text = this.recent.toString('utf8').replaceAll('\r', '').replaceAll('\0', '').trimEnd();
		return text === ''
			? '(the console is empty: the kernel printed nothing)'
			: text.split('\n').slice(-lines).join('\n');
	}

	/** Resolves once `text` has been shown, or after `timeoutMs`. */
	shows(text: string, timeoutMs: number): Promise<boolean> {
		if (this.recent.includes(text)) return Promise.resolve(true);
		return new Promise((resolve) => {
			const timer = setTimeout(() => done(false), timeoutMs);
			const waiter = { text, resolve: () => done(true) };
			const done = (shown: boolean) => {
				clearTimeout(timer);
				this.waiters = this.waiters.filter((other) => other !== waiter);
				resolve(shown);
			};
			this.waiters.push(waiter);
			void this.closed.then(() => done(false));
		});
	}

	private keep(chunk: Buffer): void {
		this.recent = Buffer.concat([this.recent, chunk]).subarray(-TAIL_BYTES);
		for (const waiter of this.waiters) if (this.recent.includes(waiter.text)) waiter.resolve();
		if (this.writeError || this.written >= MAX_FILE_BYTES) return;
		this.written += chunk.length;
		this.file.write(chunk);
		if (this.written >= MAX_FILE_BYTES)
			this.file.write(`\n[fencepost: the console went on; kept ${MAX_FILE_BYTES} bytes]\n`);
	}
}
