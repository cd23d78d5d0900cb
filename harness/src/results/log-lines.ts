// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';

/** A longer line is none of ours: `EventLog.append` writes none. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/** A whole line of a file. */
export interface LogLine {
	/** Without its newline; undefined when it is longer than MAX_LINE_BYTES. */
	readonly text: string | undefined;
	/** From 1. */
	readonly number: number;
	/** Where the next one begins. */
	readonly endByte: number;
}

/**
 * The lines of a file, one at a time. What stands behind the last newline is a line that was being written when its
 * writer was killed: it is left out.
 */
export async function* logLines(file: string): AsyncGenerator<LogLine> {
	let pieces: Buffer[] = [];
	let pieceBytes = 0;
	let number = 0;
	let endByte = 0;
	for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
		let from = 0;
		for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
			const last = chunk.subarray(from, to);
			const bytes = pieceBytes + last.length;
			endByte += bytes + 1;
			const whole = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
			yield { text: bytes > MAX_LINE_BYTES ? undefined : whole.toString('utf8'), number: ++number, endByte };
			pieces = [];
			pieceBytes = 0;
			from = to + 1;
		}
		const rest = chunk.subarray(from);
		pieceBytes += rest.length;
		// Of a line that is too long anyway nothing is kept.
		if (pieceBytes > MAX_LINE_BYTES) pieces = [];
		else if (rest.length > 0) pieces.push(rest);
	}
}
