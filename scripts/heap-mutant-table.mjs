// SPDX-License-Identifier: MIT
// The heap that can be told to break a promise: which bugs it knows (mutants.h), and which cases must notice them (mutants.yaml).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const HEAP_MODULE = 'guest/modules/mutant_heap';

/**
 * @typedef {object} HeapMutant
 * @property {string} number In the catalogue, as M01; also what the module is told.
 * @property {string} wrong What it does wrong, in one line.
 * @property {readonly string[]} cases One of these must fail on it.
 * @property {readonly string[]} also And each of these.
 * @property {string | undefined} since First release on which user space can see it.
 * @property {string | undefined} until Last release.
 * @property {string | undefined} profile How the kernel has to be built for it to be seen; undefined: as usual.
 * @property {string | undefined} machine What it is seen on; undefined: the usual machine.
 */

/** All of them, by number. @returns {HeapMutant[]} */
export function readHeapMutants(root) {
	const header = readFileSync(join(root, HEAP_MODULE, 'mutants.h'), 'utf8');
	const table = parse(readFileSync(join(root, HEAP_MODULE, 'mutants.yaml'), 'utf8'));
	const known = [...header.matchAll(/^\tX\((M\d+), \w+(?: \| \w+)*,\s*\\?\s*"(.*)"\)/gm)].map(([, number, wrong]) => ({
		number,
		wrong,
	}));
	const untold = known.filter(({ number }) => !table[number]).map(({ number }) => number);
	const unmade = Object.keys(table).filter((number) => !known.some((one) => one.number === number));
	if (untold.length + unmade.length > 0)
		throw new Error(`mutants.h and mutants.yaml do not tell the same of ${[...untold, ...unmade].join(', ')}`);
	const usual = { also: [], since: undefined, until: undefined, profile: undefined, machine: undefined };
	return known.map((one) => ({ ...usual, ...one, ...table[one.number] }));
}
