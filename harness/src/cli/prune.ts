// SPDX-License-Identifier: MIT
import { formatBytes, parseBytes } from '../core/bytes.js';
import { type Cache, pruneLock } from '../core/cache.js';
import { OtherUsers } from '../core/cache-users.js';
import { usageError } from '../core/errors.js';
import { type Holding, type HoldingKind, listHoldings, removeHolding } from '../core/holding.js';
import { listLeftovers, removeLeftover, removeOldLocks } from '../core/leftovers.js';
import { withLock } from '../core/lock.js';
import type { Progress } from '../core/progress.js';
import { EXIT } from '../results/totals.js';

/** Options of `cache prune` and `kernel prune`, as commander hands them over. */
export interface PruneOptions {
	readonly olderThan?: string;
	readonly maxSize?: string;
	readonly all?: boolean;
	readonly dryRun?: boolean;
}

/** What is to go: what was used last before a time, and then what was used longest ago until the rest fits. */
export interface PruneRule {
	readonly before: Date;
	readonly maxBytes: number;
	/** In words, for "nothing … ". */
	readonly words: string;
}

const DEFAULT_AGE = '30d';
const HOUR_MS = 3_600_000;
const AGES: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };

/** @throws usage errors for values that are no age or size. */
export function pruneRule({ olderThan, maxSize, all }: PruneOptions, now: Date): PruneRule {
	if (all && (olderThan !== undefined || maxSize !== undefined)) {
		throw usageError(
			'PRUNE_ALL',
			`--all leaves nothing to ${olderThan === undefined ? '--max-size' : '--older-than'}`,
			'leave one out',
		);
	}
	const maxBytes = maxSize === undefined ? Number.POSITIVE_INFINITY : sizeOf(maxSize);
	if (all) return { before: new Date(8.64e15), maxBytes, words: '' };
	// A size alone is a bound, and what fits in it may be as old as it likes.
	if (olderThan === undefined && maxSize !== undefined) {
		return { before: new Date(0), maxBytes, words: `: no more than ${formatBytes(maxBytes)} is there` };
	}
	const age = olderThan ?? DEFAULT_AGE;
	const before = new Date(now.getTime() - ageOf(age));
	return { before, maxBytes, words: ` that was not used for ${inWords(age)}` };
}

function ageOf(text: string): number {
	const match = /^(\d{1,6}(?:\.\d{1,3})?)([hdw]?)$/.exec(text);
	if (!match)
		throw usageError('PRUNE_AGE', `--older-than "${text}" is no age`, 'accepted: days, as 30 or 30d; 12h, 2w');
	return Number(match[1]) * (AGES[match[2] || 'd'] ?? 0);
}

function inWords(age: string): string {
	const units: Readonly<Record<string, string>> = { h: 'hours', d: 'days', w: 'weeks' };
	const unit = units[age.slice(-1)] ?? 'days';
	return `${Number.parseFloat(age)} ${Number.parseFloat(age) === 1 ? unit.slice(0, -1) : unit}`;
}

function sizeOf(text: string): number {
	const bytes = parseBytes(text);
	if (bytes === undefined) {
		throw usageError('PRUNE_SIZE', `--max-size "${text}" is no size`, 'accepted: 10G, 500M, 1.5GiB: powers of 1024');
	}
	return bytes;
}

/** What a rule takes of some holdings, used longest ago first. */
export function doomed(holdings: readonly Holding[], { before, maxBytes }: PruneRule): Holding[] {
	const oldestFirst = [...holdings].sort((a, b) => a.usedAt.getTime() - b.usedAt.getTime());
	let left = holdings.reduce((sum, { bytes }) => sum + bytes, 0);
	return oldestFirst.filter(({ usedAt, bytes }) => {
		if (usedAt >= before && left <= maxBytes) return false;
		left -= bytes;
		return true;
	});
}

/**
 * Removes what the rule takes, but nothing that a running process uses, and what killed processes left unfinished.
 * @returns the exit code: not 0 when a size was asked for and running processes use more than that
 */
export async function prune(
	cache: Cache,
	kinds: readonly HoldingKind[],
	options: PruneOptions,
	progress: Progress,
	say: (line: string) => void,
): Promise<number> {
	const rule = pruneRule(options, new Date());
	return withLock(
		pruneLock(cache.root),
		() => new Pruning(cache, progress, say, options.dryRun ?? false).run(kinds, rule),
		progress.signal,
		() => progress.note('waiting for another prune'),
	);
}

/** Smaller things are told of together. */
const WORTH_A_LINE_BYTES = 8 * 2 ** 20;

class Pruning {
	private freed = 0;
	private readonly gone = new Set<HoldingKind>();
	/** Small things by what is said of them. */
	private readonly small = new Map<string, { count: number; bytes: number }>();
	private told = 0;

	constructor(
		private readonly cache: Cache,
		private readonly progress: Progress,
		private readonly say: (line: string) => void,
		private readonly dryRun: boolean,
	) {}

	async run(kinds: readonly HoldingKind[], rule: PruneRule): Promise<number> {
		const { cache, progress } = this;
		const holdings = await listHoldings(cache, kinds, progress);
		const users = await OtherUsers.of(cache.root);
		let left = holdings.reduce((sum, { bytes }) => sum + bytes, 0);
		await progress.phase('prune', async (update) => {
			await this.removeLeftovers(users);
			const chosen = doomed(holdings, rule);
			for (const [index, one] of chosen.entries()) {
				progress.signal.throwIfAborted();
				update(`${one.kind.what} ${one.label}`, index / chosen.length);
				if (await this.removeOne(one, users)) left -= one.bytes;
			}
			if (!this.dryRun) await removeOldLocks(cache, progress.signal);
		});
		return this.summarize(rule, left);
	}

	private async removeLeftovers(users: OtherUsers): Promise<void> {
		for (const one of await listLeftovers(this.cache, users, this.progress.signal)) {
			if (!one.stale) continue;
			if (!this.dryRun) await removeLeftover(one);
			this.freed += one.bytes;
			this.tell(
				this.dryRun ? 'would remove' : 'removed',
				one.bytes,
				`leftover of a process that was killed: ${one.name}`,
			);
		}
	}

	private async removeOne(one: Holding, users: OtherUsers): Promise<boolean> {
		const why = this.dryRun
			? users.whyItStays(one.usedAt)
			: await removeHolding(this.cache, one, users, this.progress.signal);
		if (why !== undefined) {
			this.tellHolding('stays', one, `: ${why}`);
			return false;
		}
		this.gone.add(one.kind);
		this.freed += one.bytes;
		this.tellHolding(this.dryRun ? 'would remove' : 'removed', one, '');
		return true;
	}

	private tellHolding(what: string, { kind, label, bytes }: Holding, why: string): void {
		if (bytes >= WORTH_A_LINE_BYTES || kind.form === 'folder') {
			this.tell(what, bytes, `${kind.what} ${label}`.trim() + why);
			return;
		}
		const key = JSON.stringify([what, kind.name, why]);
		const { count, bytes: others } = this.small.get(key) ?? { count: 0, bytes: 0 };
		this.small.set(key, { count: count + 1, bytes: others + bytes });
	}

	private tellSmall(): void {
		for (const [key, { count, bytes }] of this.small) {
			const [what = '', kind = '', why = ''] = JSON.parse(key) as string[];
			this.tell(what, bytes, `${count} small one${count === 1 ? '' : 's'} of ${kind}${why}`);
		}
	}

	private tell(what: string, bytes: number, name: string): void {
		this.told++;
		this.say(`${what.padEnd(this.dryRun ? 12 : 7)} ${formatBytes(bytes).padStart(10)}  ${name}`);
	}

	private summarize(rule: PruneRule, left: number): number {
		this.tellSmall();
		if (this.told === 0) this.say(`Nothing is there${rule.words}.`);
		else {
			const [did, remain] = this.dryRun ? ['Would free', 'would be left'] : ['Freed', 'are left'];
			this.say(`${did} ${formatBytes(this.freed)}; ${formatBytes(left)} ${remain}.`);
			for (const { name, again } of this.gone) this.say(`  ${name}: ${again}`);
		}
		if (left <= rule.maxBytes) return EXIT.allJudged;
		this.say(
			`${formatBytes(left)} are more than --max-size ${formatBytes(rule.maxBytes)}: what stays is in use; prune again when those processes have ended.`,
		);
		return EXIT.notJudged;
	}
}
