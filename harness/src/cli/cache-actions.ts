// SPDX-License-Identifier: MIT
import { CACHE_KINDS, Cache } from '../core/cache.js';
import type { HoldingKind } from '../core/holding.js';
import { Progress } from '../core/progress.js';
import { EXIT } from '../results/totals.js';
import type { CacheOptions } from './cache.js';
import { chosenKinds, HOLDING_KINDS } from './cache-kinds.js';
import { takeStock } from './cache-stock.js';
import { describeEntries, describeStock, plainStock } from './cache-table.js';
import { interruptSignal } from './interrupt.js';
import { createStatus, progressListener } from './progress.js';
import { type PruneOptions, prune } from './prune.js';

/**
 * Runs `work` with progress on standard error. What it says for standard output is written when the live lines are
 * gone, whatever ends it.
 */
async function withProgress<T>(work: (progress: Progress, say: (line: string) => void) => Promise<T>): Promise<T> {
	const status = createStatus();
	const said: string[] = [];
	try {
		const progress = new Progress('cache', interruptSignal(), progressListener(status));
		return await work(progress, (line) => said.push(`${line}\n`));
	} finally {
		status.stop();
		process.stdout.write(said.join(''));
	}
}

export async function listCache({ kind, json }: CacheOptions): Promise<number> {
	const kinds = chosenKinds(kind, HOLDING_KINDS);
	return withProgress(async (progress, say) => {
		const stock = await takeStock(new Cache(), kinds, kind === undefined, progress);
		if (json) say(JSON.stringify(plainStock(stock, kind !== undefined), null, 1));
		else say(kind === undefined ? describeStock(stock) : describeEntries(stock));
		return EXIT.allJudged;
	});
}

export async function pruneCache(options: CacheOptions): Promise<number> {
	return pruneKinds(chosenKinds(options.kind, HOLDING_KINDS), options);
}

export async function pruneKinds(kinds: readonly HoldingKind[], options: PruneOptions): Promise<number> {
	return withProgress((progress, say) => prune(new Cache(), kinds, options, progress, say));
}

/** Only entries have hashes; work folders are checked by who uses them. */
export async function verifyCache({ kind }: CacheOptions): Promise<number> {
	const entryKinds = HOLDING_KINDS.filter(({ form }) => form === 'entries');
	const names = new Set(chosenKinds(kind, entryKinds).map(({ name }) => name));
	const cache = new Cache();
	return withProgress(async (progress, say) => {
		let sound = 0;
		let damaged = 0;
		await progress.phase('verify', async (update) => {
			for (const [index, one] of CACHE_KINDS.filter((name) => names.has(name)).entries()) {
				const ids = await cache.ids(one);
				for (const [at, id] of ids.entries()) {
					update(`${one}/${id.slice(0, 12)}`, (index + at / ids.length) / names.size);
					const why = await cache.removeDamaged(one, id, progress);
					if (why === undefined) sound++;
					else {
						damaged++;
						say(`removed ${one}/${id}: ${why}`);
					}
				}
			}
		});
		const found =
			damaged === 0 ? 'none is damaged' : `${damaged} damaged and removed: they are made again when they are asked for`;
		say(`${sound + damaged} entries: ${found}.`);
		return damaged === 0 ? EXIT.allJudged : EXIT.failed;
	});
}
