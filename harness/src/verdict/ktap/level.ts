// SPDX-License-Identifier: MIT
import type { KtapCase } from '../verdict.js';
import type { ResultLine } from './grammar.js';

/** Numbers and names remembered for one level, to find those used twice; beyond it the search ends. */
const MEMORY_LIMIT = 100_000;

/** What a level has to say about itself while it grows. */
export interface LevelVoice {
	unsound(text: string): void;
	remark(text: string): void;
}

/** One nesting level of a stream: the results between a header (where it has one) and the parent's result line. */
export class Level {
	readonly column: number;
	readonly line: number;
	/** From the level's version line, or its parent's. */
	dialect: 'KTAP' | 'TAP' | undefined;
	/** A version line stands at its head. */
	versioned = false;
	/** What `# Subtest:` calls it. */
	name: string | undefined;
	plan: number | undefined;
	/** Why the plan `1..0` is one, where it says SKIP. */
	skip: string | undefined;
	bailed: string | undefined;
	/** Result lines of this level itself. */
	results = 0;
	/** Results that closed a group whose own plan was met: they vouch for themselves. */
	plannedGroups = 0;
	/** A line `# Totals: pass:… fail:…` agreed with the results before it. */
	totalled = false;
	/** A child failed or timed out, at any depth. */
	failed = false;
	/** Name before each child's, joined; undefined while a parent's result line has yet to tell it. */
	prefix: string | undefined;
	/** Cases that wait for the prefix. */
	held: KtapCase[] = [];
	/** The closed group of the level above, waiting for the result line that names it. */
	group: Level | undefined;
	readonly #numbers = new Set<number>();
	readonly #names = new Set<number>();
	#next = 1;

	constructor(column: number, line: number) {
		this.column = column;
		this.line = line;
	}

	/** Nothing but a version line or a name has been seen. */
	get fresh(): boolean {
		return this.results === 0 && this.plan === undefined && this.group === undefined && this.bailed === undefined;
	}

	/** How the level is called in messages. */
	get title(): string {
		return this.name === undefined ? `the tests from line ${this.line}` : `"${this.name}"`;
	}

	get short(): boolean {
		return this.plan !== undefined && this.results < this.plan;
	}

	/** Counts a result and checks its number and name against those before it. @param closesGroup subtests stood before it */
	count(result: ResultLine, line: number, closesGroup: boolean, voice: LevelVoice): void {
		this.results++;
		const { number, description } = result;
		if (number !== undefined) {
			// KUnit suites of one module go on with the numbers of those loaded before: no header, any first number.
			if (this.results === 1 && !this.versioned && this.plan === undefined && closesGroup) this.#next = number;
			if (this.#numbers.has(number)) voice.unsound(`line ${line}: number ${number} is used twice`);
			else if (number !== this.#next) {
				voice.unsound(`line ${line}: number ${number} stands where ${this.#next} was due`);
			}
			if (this.#numbers.size < MEMORY_LIMIT) this.#numbers.add(number);
			this.#next = number + 1;
		} else {
			this.#next++;
		}
		if (this.plan !== undefined && this.results > this.plan) {
			voice.unsound(`line ${line}: result ${this.results} goes beyond the plan 1..${this.plan}`);
		}
		if (description === '') voice.remark(`line ${line}: a result without a name`);
		else {
			const key = fingerprint(description);
			if (this.#names.has(key)) voice.remark(`line ${line}: the name "${description}" is used twice`);
			else if (this.#names.size < MEMORY_LIMIT) this.#names.add(key);
		}
	}
}

/** 53 bits of a name: remembering a hundred thousand of these costs little, whatever their length (FNV-1a, twice). */
function fingerprint(text: string): number {
	let [a, b] = [0x811c9dc5, 0x1000193];
	for (let i = 0; i < text.length; i++) {
		const c = text.charCodeAt(i);
		a = Math.imul(a ^ c, 0x1000193);
		b = Math.imul(b ^ c, 0x85ebca6b);
	}
	return (a >>> 0) * 0x200000 + ((b >>> 11) & 0x1fffff);
}
