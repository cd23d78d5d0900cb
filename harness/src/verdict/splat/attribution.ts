// SPDX-License-Identifier: MIT
import type { AttributedSplat, Splat } from '../verdict.js';
import { parseMark } from './marks.js';

/** Cases remembered; a report is read soon after the case it fell into, and a guest may write markers without end. */
const CASE_LIMIT = 10_000;

/**
 * Tells which case a splat fell into, from the markers on the same console: the last case that began before the
 * report's first line. A late report, after the case or even the job has ended, still counts against that case, the
 * last one that touched the kernel. Splats and marks may come in any order as long as each carries its line.
 */
export class CaseAttribution {
	readonly #cases: { readonly line: number; readonly case: string }[] = [];

	/** Feed it ConsoleClassifier's onMark. */
	mark(text: string, line: number): void {
		const mark = parseMark(text);
		if (mark.kind !== 'case') return;
		this.#cases.push({ line, case: mark.case });
		if (this.#cases.length > 2 * CASE_LIMIT) this.#cases.splice(0, CASE_LIMIT);
	}

	/** The case begun last, by the markers so far. */
	get running(): string | undefined {
		return this.#cases.at(-1)?.case;
	}

	attribute(splat: Splat): AttributedSplat {
		const found = this.#cases.findLast(({ line }) => line <= splat.line);
		return found ? { ...splat, case: found.case } : splat;
	}
}
