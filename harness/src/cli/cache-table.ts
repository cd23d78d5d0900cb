// SPDX-License-Identifier: MIT
import { formatBytes } from '../core/bytes.js';
import type { Holding, HoldingKind } from '../core/holding.js';
import type { Stock } from './cache-stock.js';

/** A kind in figures. */
interface KindSum {
	readonly kind: HoldingKind;
	readonly entries: number;
	readonly bytes: number;
	readonly newestUse: Date;
	readonly oldestUse: Date;
}

function sums({ kinds, holdings }: Stock): KindSum[] {
	return kinds.flatMap((kind) => {
		const own = holdings.filter((one) => one.kind === kind);
		const times = own.map(({ usedAt }) => usedAt.getTime());
		if (own.length === 0) return [];
		const bytes = own.reduce((sum, one) => sum + one.bytes, 0);
		return [
			{
				kind,
				entries: own.length,
				bytes,
				newestUse: new Date(Math.max(...times)),
				oldestUse: new Date(Math.min(...times)),
			},
		];
	});
}

/** `3 min`, `5 h`, `12 d`: how long ago something was. */
function formatAge(date: Date, now = Date.now()): string {
	const minutes = Math.max(0, now - date.getTime()) / 60_000;
	if (minutes < 1) return 'now';
	if (minutes < 60) return `${Math.floor(minutes)} min`;
	return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

const row = (kind: string, entries: string, size: string, used: string, oldest: string, again: string) =>
	`${kind.padEnd(14)}${entries.padStart(7)}${size.padStart(11)}${used.padStart(9)}${oldest.padStart(9)}  ${again}`.trimEnd();

/** The whole cache, a line each kind. */
export function describeStock(stock: Stock): string {
	if (stock.bytes === 0) return `Nothing is kept yet in ${stock.root}.`;
	const lines = [row('kind', 'entries', 'on disk', 'used', 'longest', 'to have it again')];
	for (const { kind, entries, bytes, newestUse, oldestUse } of sums(stock)) {
		const count = kind.form === 'folder' || kind.form === 'files' ? '' : String(entries);
		lines.push(row(kind.name, count, formatBytes(bytes), formatAge(newestUse), formatAge(oldestUse), kind.again));
	}
	const stale = stock.unfinished.filter((one) => one.stale).length;
	if (stock.unfinished.length > 0) {
		const bytes = stock.unfinished.reduce((sum, one) => sum + one.bytes, 0);
		const words = stale === 0 ? 'being made now' : `${stale} of processes that were killed: prune removes them`;
		lines.push(row('tmp', String(stock.unfinished.length), formatBytes(bytes), '', '', words));
	}
	for (const { name, bytes } of stock.others) {
		lines.push(row(name, '', formatBytes(bytes), '', '', 'none of ours: left alone'));
	}
	const free = stock.freeBytes === undefined ? '' : `; ${formatBytes(stock.freeBytes)} are free there`;
	lines.push(`${formatBytes(stock.bytes)} in ${stock.root}${free}.`);
	if (stock.pids.length > 0) lines.push(`In use by ${processes(stock.pids)}.`);
	return lines.join('\n');
}

/** Each entry of the kinds that were asked for, used last first. */
export function describeEntries(stock: Stock): string {
	const lines = [...stock.holdings].sort(usedLastFirst).map(({ kind, label, bytes, usedAt }) => {
		const name = label === '' ? kind.what : `${kind.what} ${label}`;
		return `${formatBytes(bytes).padStart(10)}${formatAge(usedAt).padStart(9)}  ${name}`;
	});
	const total = `${stock.holdings.length} of ${stock.kinds.map(({ name }) => name).join(', ')}: ${formatBytes(stock.bytes)}.`;
	return [...lines, total].join('\n');
}

const usedLastFirst = (a: Holding, b: Holding) => b.usedAt.getTime() - a.usedAt.getTime();

function processes(pids: readonly number[]): string {
	return `${pids.length === 1 ? 'process' : 'processes'} ${pids.slice(0, 8).join(', ')}${pids.length > 8 ? ' …' : ''}`;
}

/** The same for programs. */
export function plainStock(stock: Stock, withEntries: boolean): Record<string, unknown> {
	const unfinished = stock.unfinished.map(({ name, bytes, stale }) => ({ name, bytes, stale }));
	return {
		root: stock.root,
		bytes: stock.bytes,
		freeBytes: stock.freeBytes ?? null,
		processes: stock.pids,
		kinds: sums(stock).map(({ kind, ...figures }) => ({ kind: kind.name, ...figures, again: kind.again })),
		...(withEntries
			? {
					entries: [...stock.holdings].sort(usedLastFirst).map(({ kind, name, label, bytes, usedAt, path }) => ({
						...{ kind: kind.name, name, label, bytes, usedAt, path },
					})),
				}
			: { unfinished, others: stock.others }),
	};
}
