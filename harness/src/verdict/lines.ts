// SPDX-License-Identifier: MIT

/** Bytes of a line that are kept; what follows up to the newline is dropped. */
export const LINE_LIMIT = 64 * 1024;

/** One line of a stream that nobody vouches for, made harmless: valid text without NUL, escape sequences, line ends. */
export interface Line {
	readonly text: string;
	/** From 1. */
	readonly number: number;
	/** It was longer than LINE_LIMIT. */
	readonly cut: boolean;
	/** A newline ended it; false only for the last line of a stream that stops without one. */
	readonly ended: boolean;
}

/** ECMA-48 control sequences, OSC strings, two-byte escapes. */
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-Z\\^-~])/g;
const SUSPECT = /[\x00\x1b\r\u2028\u2029\ufeff]/;

function clean(text: string): string {
	if (!SUSPECT.test(text)) return text;
	return text
		.replace(ESCAPES, '')
		.replace(/[\x00\ufeff]/g, '')
		.replace(/[\u2028\u2029]/g, ' ');
}

/**
 * Cuts bytes into lines, in bounded memory, the same whatever the chunks. `\r\n` and `\r\r\n` (a tty's) end a line
 * like `\n`; a lone `\r` starts a new one with the same number, because what follows would overprint it.
 */
export class LineSplitter {
	readonly #emit: (line: Line) => void;
	readonly #parts: Buffer[] = [];
	#length = 0;
	#cut = false;
	#number = 1;
	#pending = false;

	constructor(emit: (line: Line) => void) {
		this.#emit = emit;
	}

	/** Lines that were begun so far. */
	get count(): number {
		return this.#pending ? this.#number : this.#number - 1;
	}

	push(bytes: Uint8Array): void {
		const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		let start = 0;
		while (start < chunk.length) {
			const newline = chunk.indexOf(10, start);
			const end = newline < 0 ? chunk.length : newline;
			if (newline >= 0 && !this.#pending && end - start <= LINE_LIMIT) {
				this.#send(chunk.toString('utf8', start, end), false, true);
				this.#number++;
			} else {
				this.#keep(chunk.subarray(start, end));
				if (newline >= 0) this.#flush(true);
			}
			start = end + 1;
		}
	}

	end(): void {
		if (this.#pending) this.#flush(false);
	}

	#keep(piece: Buffer): void {
		this.#pending = true;
		const room = LINE_LIMIT - this.#length;
		if (piece.length > room) this.#cut = true;
		const kept = piece.subarray(0, room);
		if (kept.length === 0) return;
		this.#parts.push(Buffer.from(kept));
		this.#length += kept.length;
		if (this.#parts.length > 64) this.#parts.splice(0, this.#parts.length, Buffer.concat(this.#parts));
	}

	#flush(ended: boolean): void {
		const text = Buffer.concat(this.#parts).toString('utf8');
		const cut = this.#cut;
		this.#parts.length = 0;
		this.#length = 0;
		this.#cut = false;
		this.#pending = false;
		this.#send(text, cut, ended);
		this.#number++;
	}

	#send(text: string, cut: boolean, ended: boolean): void {
		let line = clean(text);
		let length = line.length;
		while (line.charCodeAt(length - 1) === 13) length--;
		line = line.slice(0, length);
		if (!line.includes('\r')) {
			this.#emit({ text: line, number: this.#number, cut, ended });
			return;
		}
		for (const piece of line.split(/\r+/)) {
			if (piece !== '') this.#emit({ text: piece, number: this.#number, cut, ended });
		}
	}
}
