// SPDX-License-Identifier: MIT
// Imports are law: who may import whom in harness/src. Everything not in the table fails the check.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** A room to the rooms it may import; `room:types` allows `import type` only. */
export const MAY_IMPORT = {
	core: [],
	plan: ['core'],
	kernel: ['core'],
	image: ['core'],
	machine: ['core'],
	verdict: ['core'],
	results: ['core', 'verdict'],
	report: ['core', 'results', 'verdict'],
	run: ['core', 'plan', 'kernel', 'image', 'machine', 'verdict', 'results'],
	cli: ['core', 'plan', 'kernel', 'image', 'machine', 'verdict', 'results', 'run', 'report'],
};

function sources(directory) {
	return readdirSync(directory, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
		.map((entry) => join(entry.parentPath, entry.name));
}

/** Every import that the table does not allow, and every circle between files, as sentences. */
export function importViolations(src) {
	const violations = [];
	const graph = new Map();
	const room = (file) => relative(src, file).split('/')[0];
	for (const file of sources(src)) {
		const from = room(file);
		const targets = [];
		for (const match of readFileSync(file, 'utf8').matchAll(
			/^(?:import|export)\s(?<type>type\s)?[^'"]*?from\s*'(?<target>\.[^']+)'|import\('(?<lazy>\.[^']+)'\)/gm,
		)) {
			const { target, lazy, type } = match.groups;
			const to = resolve(dirname(file), (target ?? lazy).replace(/\.js$/, '.ts'));
			if (!type && !lazy) targets.push(to);
			const allowed = MAY_IMPORT[from];
			if (allowed === undefined)
				violations.push(`${relative(src, file)}: room ${from} is not in the table (scripts/import-table.mjs)`);
			else if (room(to) !== from && !allowed.includes(room(to))) {
				violations.push(
					`${relative(src, file)} imports ${relative(src, to)}: ${from} may import ${allowed.join(', ') || 'nothing'}`,
				);
			}
		}
		graph.set(file, targets);
	}
	return [
		...violations,
		...circles(graph).map((circle) => `circle: ${circle.map((file) => relative(src, file)).join(' → ')}`),
	];
}

function circles(graph) {
	const found = [];
	const state = new Map();
	const visit = (file, path) => {
		state.set(file, 'open');
		for (const next of graph.get(file) ?? []) {
			if (state.get(next) === 'open') found.push([...path.slice(path.indexOf(next)), next]);
			else if (!state.has(next)) visit(next, [...path, next]);
		}
		state.set(file, 'done');
	};
	for (const file of graph.keys()) if (!state.has(file)) visit(file, [file]);
	return found;
}
