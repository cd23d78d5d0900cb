// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cache } from '../core/cache.js';
import type { Assignment } from './assignment.js';

/** A guest's start, and its end. */
const OVERHEAD_MS = 300;
const UNKNOWN_CASE_MS = 30;
/** The user's own program, never seen before: early, so that it is not what everybody waits for at the end. */
const UNKNOWN_PROGRAM_MS = 5000;
/** How much the last run counts against those before. */
const WEIGHT = 0.5;
const MAX_KNOWN = 8192;

/** How long assignments took in past runs, kept in the cache. It only ever decides what starts first. */
export class Estimates {
	/**
	 * Milliseconds a case, by architecture, suite and subject, and of cases that had a guest of their own by their name,
	 * too; those seen last are at the end.
	 */
	private constructor(
		private readonly file: string,
		private readonly known: Map<string, number>,
	) {}

	static async load(cache: Cache): Promise<Estimates> {
		const file = cache.workPath('estimates', 'assignments.json');
		const known = new Map<string, number>();
		try {
			const found = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
			for (const [key, ms] of Object.entries(found).slice(-MAX_KNOWN)) {
				if (typeof ms === 'number' && ms >= 0) known.set(key, ms);
			}
		} catch {
			// Nothing is known yet, or no more: a run without estimates is a run in another order.
		}
		return new Estimates(file, known);
	}

	estimateMs(arch: string, assignments: readonly Assignment[]): number {
		return assignments.reduce((sum, one) => {
			const known = this.known.get(keyOf(arch, one)) ?? this.known.get(groupOf(arch, one));
			if (one.cases === undefined) return sum + (known ?? UNKNOWN_PROGRAM_MS);
			return sum + (known ?? UNKNOWN_CASE_MS) * one.cases.length;
		}, OVERHEAD_MS);
	}

	/** @param tookMs of the assignment alone, without its guest's start */
	learn(arch: string, assignment: Assignment, tookMs: number): void {
		const key = keyOf(arch, assignment);
		const perCaseMs = tookMs / Math.max(1, assignment.cases?.length ?? 1);
		const before = this.known.get(key);
		this.known.delete(key);
		this.known.set(key, before === undefined ? perCaseMs : before + WEIGHT * (perCaseMs - before));
	}

	async save(): Promise<void> {
		const kept = [...this.known].slice(-MAX_KNOWN).map(([key, ms]) => [key, Math.round(ms * 10) / 10]);
		const temporary = `${this.file}.${randomUUID()}`;
		try {
			await mkdir(dirname(this.file), { recursive: true });
			await writeFile(temporary, JSON.stringify(Object.fromEntries(kept)));
			await rename(temporary, this.file);
		} catch {
			// As above: nothing depends on it.
		}
	}
}

function groupOf(arch: string, { suite, subject }: Assignment): string {
	return `${arch} ${suite.name} ${subject}`;
}

/** A case that is alone may take much longer than its like: it is known for itself. */
function keyOf(arch: string, assignment: Assignment): string {
	const [only, ...others] = assignment.cases ?? [];
	const group = groupOf(arch, assignment);
	return only && others.length === 0 ? `${group} ${only.case}` : group;
}
