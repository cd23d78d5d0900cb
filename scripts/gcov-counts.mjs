// SPDX-License-Identifier: MIT
// What gcov says about the counts that a guest has printed (scripts/programs/gcov-dump.c).
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { $ } from 'zx';

const FOLDER = 'drivers/dma-buf/';

/**
 * @typedef {object} FileCounts of one source file below drivers/dma-buf.
 * @property {string} path relative to drivers/dma-buf.
 * @property {Map<string, number>} lines how often each was run, by its number.
 * @property {Map<string, number>} branches by the line's number and the branch's on it.
 */

/**
 * @param {{ case: string, diagnostics?: [string, string][] }[]} dumped the results of gcov-dump.
 * @param {string} build the kernel's build folder, with the .gcno files.
 * @param {string} scratch a folder for the .gcda files.
 * @param {string} gcov the program of the compiler that built the kernel.
 * @returns {Promise<Map<string, FileCounts>>} by the file's name.
 */
export async function countsOf(dumped, build, scratch, gcov) {
	const counts = new Map();
	mkdirSync(scratch, { recursive: true });
	for (const [path, data] of filesOf(dumped)) {
		const object = basename(path, '.gcda');
		const place = join(scratch, path.replace(/[^/]*$/, ''));
		mkdirSync(place, { recursive: true });
		writeFileSync(join(place, `${object}.gcda`), Buffer.concat(data));
		await $`cp ${join(build, FOLDER, path.replace(/\.gcda$/, '.gcno'))} ${place}`;
		const { stdout } =
			await $`cd ${place} && ${gcov} --json-format --stdout --branch-probabilities ${object}.gcda`.quiet();
		for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
			for (const { file, lines } of JSON.parse(line).files) {
				// Not headers: their functions are counted in each file that uses them.
				if (basename(file) === `${object}.c`) counts.set(`${object}.c`, summed(path, object, lines));
			}
		}
	}
	return counts;
}

/** The .gcda files by their path below drivers/dma-buf. Each was printed in parts, one after the other. */
function filesOf(dumped) {
	const files = new Map();
	for (const { case: name, diagnostics = [] } of dumped) {
		const path = name.slice(name.indexOf(FOLDER) + FOLDER.length).replace(/ from \d+$/, '');
		const data = diagnostics.filter(([key]) => key === 'gcda').map(([, text]) => Buffer.from(text, 'base64'));
		files.set(path, [...(files.get(path) ?? []), ...data]);
	}
	return files;
}

/** A line may be said several times, for each function that it is inlined into. */
function summed(path, object, lines) {
	const counts = { path: path.replace(/[^/]*$/, `${object}.c`), lines: new Map(), branches: new Map() };
	for (const { line_number: number, count, branches } of lines) {
		add(counts.lines, `${number}`, count);
		for (const [index, branch] of branches.entries()) add(counts.branches, `${number} ${index}`, branch.count);
	}
	return counts;
}

/** What two runs have counted together, by file. */
export function together(a, b) {
	const files = new Map(a);
	for (const [name, file] of b) {
		const before = files.get(name);
		if (!before) files.set(name, file);
		else {
			const both = { path: file.path, lines: new Map(before.lines), branches: new Map(before.branches) };
			for (const kind of ['lines', 'branches']) for (const [key, count] of file[kind]) add(both[kind], key, count);
			files.set(name, both);
		}
	}
	return files;
}

function add(counts, key, count) {
	counts.set(key, (counts.get(key) ?? 0) + count);
}
