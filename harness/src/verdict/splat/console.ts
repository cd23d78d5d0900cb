// SPDX-License-Identifier: MIT
import { LineSplitter } from '../lines.js';
import { parsePrintk } from '../printk.js';
import type { Splat } from '../verdict.js';
import { markText } from './marks.js';
import { RECORDS } from './records.js';

export interface ConsoleClassifierOptions {
	/** Called when a report is whole. */
	readonly onSplat?: ((splat: Splat) => void) | undefined;
	/** Called for each marker of the guest's (`fencepost: …`), with what stands behind the prefix. */
	readonly onMark?: ((text: string, line: number) => void) | undefined;
}

/** Finds the kernel's reports on a console as it comes, in bounded memory. */
export class ConsoleClassifier {
	readonly #options: ConsoleClassifierOptions;
	readonly #splitter: LineSplitter;
	readonly #splats: Splat[] = [];

	constructor(options: ConsoleClassifierOptions = {}) {
		this.#options = options;
		this.#splitter = new LineSplitter((line) => this.#line(line.text, line.number));
	}

	/** Lines seen so far. */
	get lines(): number {
		return this.#splitter.count;
	}

	push(bytes: Uint8Array): void {
		this.#splitter.push(bytes);
	}

	/** Ends the console: closes what is open. */
	end(): readonly Splat[] {
		this.#splitter.end();
		return this.#splats;
	}

	#line(raw: string, line: number): void {
		const { text } = parsePrintk(raw);
		const mark = markText(text);
		if (mark !== undefined) {
			this.#options.onMark?.(mark, line);
			return;
		}
		for (const { kind, pattern, severity } of RECORDS) {
			const match = pattern.exec(text);
			if (!match) continue;
			const splat = { kind, title: text, function: match.groups?.['function'], line, severity, report: text };
			this.#splats.push(splat);
			this.#options.onSplat?.(splat);
			return;
		}
	}
}
