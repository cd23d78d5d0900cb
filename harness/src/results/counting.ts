// SPDX-License-Identifier: MIT
import type { Verdict } from '../verdict/verdict.js';
import { type CaseKey, caseHash, type DoneCases } from './done-cases.js';
import type { Totals } from './events.js';
import { countVerdicts } from './totals.js';

/**
 * Counts the results of a log as its lines come, and knows afterwards which of them count: not a miss that was
 * dropped, nor a result that a later part of the run replaced.
 */
export class ResultCount {
	readonly totals: Record<Verdict, number> = { ...countVerdicts([]) };
	/** Misses before this line do not count. */
	private missesFrom = 0;
	/** By key: results before this line do not count. Only what was replaced is in it. */
	private readonly replacedFrom = new Map<string, number>();
	/** Where the part of the run begins whose lines come now. */
	private partFrom = 0;

	beginPart(line: number): void {
		this.partFrom = line;
	}

	/**
	 * Counts a result. @param done what was recorded before it
	 * @returns whether it replaces what an earlier part recorded
	 */
	count(result: CaseKey & { readonly verdict: Verdict }, again: boolean, line: number, done: DoneCases): boolean {
		this.totals[result.verdict]++;
		const before = again ? done.verdict(result) : undefined;
		if (before === undefined || done.isAmbiguous(result)) return false;
		const name = nameOf(result);
		// A program may use a name twice: its second result does not replace the first of the same part.
		if ((this.replacedFrom.get(name) ?? 0) > this.partFrom) return false;
		this.totals[before]--;
		this.replacedFrom.set(name, line);
		return true;
	}

	dropMisses(line: number): void {
		this.totals.miss = 0;
		this.missesFrom = line;
	}

	/** Whether the result on a line is one of the run's. */
	counts(result: CaseKey & { readonly verdict: Verdict }, line: number): boolean {
		if (result.verdict === 'miss' && line < this.missesFrom) return false;
		return this.replacedFrom.size === 0 || line >= (this.replacedFrom.get(nameOf(result)) ?? 0);
	}

	snapshot(): Totals {
		return { ...this.totals };
	}
}

function nameOf(key: CaseKey): string {
	return caseHash(key).join(' ');
}
