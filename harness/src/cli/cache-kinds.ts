// SPDX-License-Identifier: MIT
import { usageError } from '../core/errors.js';
import type { HoldingKind } from '../core/holding.js';
import { nearest } from '../core/nearest.js';
import { KERNEL_HOLDINGS } from '../kernel/kept.js';

/** Everything in the cache that can be had again, by folder. What is not here is shown as `other`, and left alone. */
export const HOLDING_KINDS: readonly HoldingKind[] = [
	...KERNEL_HOLDINGS,
	{
		name: 'templates',
		what: 'saved guest',
		again: 'its machine is booted once more: some 2 seconds',
		form: 'entries',
	},
	{ name: 'device-trees', what: 'device tree with regions', again: 'made again at once', form: 'entries' },
	{ name: 'images', what: 'initramfs', again: 'packed again at once', form: 'entries' },
	{ name: 'suites', what: 'program for guests', again: 'compiled again: seconds', form: 'entries', label: casesOf },
	{
		name: 'toolchain',
		what: 'C library for guests',
		again: 'made again from its package: seconds',
		form: 'entries',
		label: (info) => (typeof info === 'object' && info !== null && 'arch' in info ? String(info.arch) : ''),
	},
	{ name: 'probe', what: 'notes on whether KVM works', again: 'tried again: seconds', form: 'files' },
	{
		name: 'mutants',
		what: 'view of a source for mutants, and what killed each',
		again: 'linked again at once, and every mutant is run again: some 6 seconds each',
		form: 'folder',
		locks: () => ['mutants'],
	},
];

/** Folders of the cache that are no holdings: what is unfinished, and what processes tell each other with. */
export const HOUSEKEEPING: ReadonlySet<string> = new Set(['tmp', 'locks', 'users']);

function casesOf(info: unknown): string {
	const listed = typeof info === 'object' && info !== null && 'cases' in info && Array.isArray(info.cases);
	const first: unknown = listed ? (info.cases as unknown[])[0] : undefined;
	const suite = typeof first === 'object' && first !== null && 'suite' in first ? String(first.suite) : '';
	return suite === '' ? '' : `suite ${suite}`;
}

/** The kinds that `--kind` names; all of them without it. @throws usage error with the nearest name. */
export function chosenKinds(names: readonly string[] | undefined, all: readonly HoldingKind[]): readonly HoldingKind[] {
	if (names === undefined) return all;
	const known = all.map(({ name }) => name);
	for (const name of names) {
		if (known.includes(name)) continue;
		const meant = nearest(name, known);
		throw usageError(
			'KIND_UNKNOWN',
			`--kind ${name}: there is no such kind`,
			`${meant ? `did you mean ${meant}? ` : ''}accepted: ${known.join(', ')}`,
		);
	}
	return all.filter(({ name }) => names.includes(name));
}
