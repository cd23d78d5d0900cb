// SPDX-License-Identifier: MIT
// Which rows of a catalogue of assertions have cases: compares `fencepost list` with a page of Markdown tables.
//   node scripts/catalogue.mjs FILE [--seen-by U,D,C,X,K]
// A row begins with its id (`| ALLOC-05 |`) and ends with who can observe it and its class. With --seen-by, a row counts
// that any of these can observe and nobody else is needed for. Exit code: 1 when a row is missing, or a case has none.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, argv } from 'zx';
import './reader-gone.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {Map<string, { statement: string, observers: string[], classes: string[] }>} */
function readRows(file) {
	const rows = new Map();
	for (const line of readFileSync(file, 'utf8').split('\n')) {
		const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
		if (!/^[A-Z]+-\d+$/.test(cells[1] ?? '') || cells.length < 8) continue;
		const [observation, ofClass] = cells.slice(-3);
		rows.set(cells[1], {
			statement: cells[2],
			observers: observation.replace(/\(.*?\)/g, '').match(/[A-Z]+/g) ?? [],
			classes: ofClass.match(/ABI|IMPL|QUIRK/g) ?? [],
		});
	}
	return rows;
}

const [file] = argv._;
if (!file) {
	process.stderr.write(
		'catalogue: name the page with the tables: node scripts/catalogue.mjs FILE [--seen-by U,D,C,X,K]\n',
	);
	process.exit(2);
}
const rows = readRows(file);
const seenBy = argv['seen-by']?.split(',');
const wanted = [...rows].filter(([, { observers }]) => !seenBy || observers.every((one) => seenBy.includes(one)));
const { stdout } = await $`${process.execPath} ${join(root, 'harness/dist/src/cli/main.js')} list --json`.quiet();
const cases = JSON.parse(stdout);
const idsOf = (one) => one.catalogue.split(/[ ,;]+/);
const covered = new Set(cases.flatMap(idsOf));

const say = (text) => process.stdout.write(`${text}\n`);
const missing = wanted.filter(([id]) => !covered.has(id));
for (const [id, { statement, observers }] of missing) say(`no case: ${id} (${observers.join(',')}) ${statement}`);
const strange = cases.filter((one) => idsOf(one).some((id) => !rows.has(id)));
for (const one of strange) say(`no row: ${one.case} says ${one.catalogue}`);
const others = cases.filter((one) => idsOf(one).every((id) => !(rows.get(id)?.classes ?? []).includes(one.class)));
for (const one of others)
	say(
		`another class: ${one.case} is ${one.class}, ${one.catalogue} ${idsOf(one)
			.flatMap((id) => rows.get(id)?.classes ?? [])
			.join('/')}`,
	);
say(
	`${wanted.length - missing.length} of ${wanted.length} rows have cases; ${cases.length} cases, ${others.length} of another class than their row's`,
);
process.exitCode = missing.length + strange.length > 0 ? 1 : 0;
