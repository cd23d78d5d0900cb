// SPDX-License-Identifier: MIT
import { bounded } from './grammar.js';

export type Diagnostic = readonly [key: string, value: string];

/** Diagnostics kept for one case; of more, the first are dropped, because the lines nearest to the result tell most. */
const PAIR_LIMIT = 64;
const CHARACTER_LIMIT = 8 * 1024;
const KEYED = /^([a-z][a-z_-]{0,39}):(?:\s+(.*))?$/;

/** The comment and unknown lines that stand before a result, waiting for it. */
export class DiagnosticBuffer {
	#pairs: Diagnostic[] = [];
	#dropped = 0;
	#characters = 0;

	/** A comment's text: `key: value`, or else a line of the log. */
	comment(text: string): void {
		const keyed = KEYED.exec(text);
		if (keyed?.[1] !== undefined) this.#add(keyed[1], keyed[2] ?? '');
		else this.log(text);
	}

	log(text: string): void {
		if (text.trim() !== '') this.#add('log', text);
	}

	/** Everything collected since the last take. */
	take(): Diagnostic[] {
		const pairs = this.#pairs;
		if (this.#dropped > 0) pairs.unshift(['log', `(${this.#dropped} earlier lines left out)`]);
		this.#pairs = [];
		this.#dropped = 0;
		this.#characters = 0;
		return pairs;
	}

	#add(key: string, value: string): void {
		const pair: Diagnostic = [key, bounded(value)];
		this.#pairs.push(pair);
		this.#characters += key.length + pair[1].length;
		while (this.#pairs.length > PAIR_LIMIT || this.#characters > CHARACTER_LIMIT) {
			const [first, text] = this.#pairs.shift() ?? ['', ''];
			this.#characters -= first.length + text.length;
			this.#dropped++;
		}
	}
}

/** A TAP 14 YAML block as pairs: its outermost keys; what is nested or continued is kept as text under its key. */
export class YamlBlock {
	readonly column: number;
	readonly #pairs: [string, string][] = [];
	#first: number | undefined;
	#length = 0;

	constructor(column: number) {
		this.column = column;
	}

	/** @param column of the first character that is no blank */
	line(text: string, column: number): void {
		const bare = text.trim();
		if (bare === '' || this.#length > 16 * 1024) return;
		this.#length += bare.length;
		this.#first ??= column;
		const pair = column <= this.#first ? /^([A-Za-z0-9_][\w .-]{0,63}?)\s*:(?:\s+(.*))?$/.exec(bare) : null;
		const last = this.#pairs.at(-1);
		if (pair?.[1] !== undefined && this.#pairs.length < PAIR_LIMIT) {
			this.#pairs.push([pair[1], bounded(unquoted(pair[2] ?? ''))]);
		} else if (last) {
			const more = column <= this.#first ? bare : `${' '.repeat(Math.min(column - this.#first - 2, 40))}${bare}`;
			last[1] = bounded(/^[|>][+-]?$/.test(last[1]) || last[1] === '' ? more : `${last[1]}\n${more}`);
		} else {
			this.#pairs.push(['log', bounded(bare)]);
		}
	}

	get pairs(): readonly Diagnostic[] {
		return this.#pairs;
	}
}

function unquoted(value: string): string {
	const text = value.trim();
	const quote = text[0];
	if (text.length < 2 || (quote !== '"' && quote !== "'") || text.at(-1) !== quote) return text;
	const inner = text.slice(1, -1);
	return quote === "'" ? inner.replaceAll("''", "'") : inner.replace(/\\(["\\])/g, '$1');
}
