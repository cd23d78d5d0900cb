// SPDX-License-Identifier: MIT
import { exactBytes } from '../core/bytes.js';
import type { CaseResult } from '../results/events.js';

/** The suite whose cases measure. */
export const CONSTRAINTS_SUITE = 'constraints';

/** What was measured of a heap; undefined where it could not be, `problems` says why. */
export interface MeasuredHeap {
	readonly kernel: string;
	readonly release: string;
	readonly arch: string;
	readonly machine: string;
	readonly heap: string;
	readonly contiguous: boolean | undefined;
	/** Bytes. */
	readonly shortestPiece: number | undefined;
	readonly longestPiece: number | undefined;
	/** Bytes; a power of two. */
	readonly alignment: number | undefined;
	/** Address of the last byte seen, in hexadecimal. */
	readonly highest: string | undefined;
	readonly device32: 'yes' | 'bounced' | 'no' | undefined;
	readonly zeroed: boolean | undefined;
	readonly programs: boolean | undefined;
	/** How programs' mappings are. */
	readonly cached: boolean | undefined;
	readonly kernelMapping: boolean | undefined;
	readonly devicesAlone: boolean | undefined;
	readonly problems: readonly string[];
}

/** A note of the suite's: suites/constraints/facts.h. */
const FACT = /^fact ([a-z0-9-]{1,40})=(\S{1,40})$/;

/** Heaps as the suite's results tell of them: by machine, in the order in which these came, and by name. */
export function measuredHeaps(results: readonly CaseResult[]): MeasuredHeap[] {
	const machines = new Map<string, Map<string, CaseResult[]>>();
	for (const result of results) {
		if (result.suite !== CONSTRAINTS_SUITE) continue;
		const key = JSON.stringify([result.kernel, result.arch, result.machine]);
		const heaps = machines.get(key) ?? new Map<string, CaseResult[]>();
		machines.set(key, heaps.set(result.subject, [...(heaps.get(result.subject) ?? []), result]));
	}
	return [...machines.values()].flatMap((heaps) =>
		[...heaps.values()]
			.flatMap((own) => (own[0] ? [measured(own[0], own)] : []))
			.sort((one, other) => one.heap.localeCompare(other.heap, 'en')),
	);
}

function measured(first: CaseResult, results: readonly CaseResult[]): MeasuredHeap {
	const facts = new Map<string, string>();
	for (const { diagnostics = [] } of results) {
		for (const [, value] of diagnostics) {
			for (const line of value.split('\n')) {
				const [, name, found] = FACT.exec(line.trim()) ?? [];
				if (name !== undefined && found !== undefined) facts.set(name, found);
			}
		}
	}
	const answer = (name: string) => ({ yes: true, no: false })[facts.get(name) ?? ''];
	const bytes = (name: string) => (/^\d{1,15}$/.test(facts.get(name) ?? '') ? Number(facts.get(name)) : undefined);
	const device32 = (['yes', 'bounced', 'no'] as const).find((known) => known === facts.get('device-32'));
	return {
		...{ kernel: first.kernel, release: first.release, arch: first.arch, machine: first.machine, heap: first.subject },
		contiguous: answer('contiguous'),
		shortestPiece: bytes('shortest-piece'),
		longestPiece: bytes('longest-piece'),
		alignment: bytes('alignment'),
		highest: /^0x[0-9a-f]{1,16}$/.exec(facts.get('highest') ?? '')?.[0],
		device32,
		zeroed: answer('zeroed'),
		programs: answer('programs'),
		cached: answer('cached'),
		kernelMapping: answer('kernel'),
		devicesAlone: answer('untouched'),
		problems: results
			.filter(({ verdict, reason }) => verdict !== 'pass' && !(verdict === 'skip' && reason.startsWith('no:')))
			.map(({ case: name, verdict, reason }) => `${name}: ${verdict}: ${reason}`),
	};
}

const HEADINGS = [
	...['heap', 'contiguous', 'pieces', 'aligned', 'highest', '32 bits', 'zeroed'],
	...['programs', 'cached', 'kernel', 'devices'],
];

/** For people: a table for each machine, and below it why something was not measured. */
export function heapsTable(heaps: readonly MeasuredHeap[]): string {
	const machines = new Map<string, MeasuredHeap[]>();
	for (const heap of heaps) {
		const title = `${heap.kernel} ${heap.arch} ${heap.machine}  ${heap.release}`.trimEnd();
		machines.set(title, [...(machines.get(title) ?? []), heap]);
	}
	return [...machines]
		.map(([title, own]) => `${title}\n${grid([HEADINGS, ...own.map(row)])}${problems(own)}`)
		.join('\n');
}

function row(heap: MeasuredHeap): string[] {
	const yesNo = (answer: boolean | undefined) => (answer === undefined ? '?' : answer ? 'yes' : 'no');
	const size = (bytes: number | undefined) => (bytes === undefined ? '?' : exactBytes(bytes));
	const { shortestPiece, longestPiece } = heap;
	const pieces =
		shortestPiece === longestPiece ? size(longestPiece) : `${size(shortestPiece)} to ${size(longestPiece)}`;
	return [
		...[heap.heap, yesNo(heap.contiguous), pieces, size(heap.alignment), heap.highest ?? '?', heap.device32 ?? '?'],
		...[heap.zeroed, heap.programs, heap.cached, heap.kernelMapping, heap.devicesAlone].map(yesNo),
	];
}

function grid(rows: readonly (readonly string[])[]): string {
	const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
	return rows
		.map((cells) => `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
		.map((line) => `${line}\n`)
		.join('');
}

function problems(heaps: readonly MeasuredHeap[]): string {
	return heaps.flatMap(({ heap, problems }) => problems.map((text) => `  ${heap}: ${text}\n`)).join('');
}
