// SPDX-License-Identifier: MIT
// Files made from the code itself; `npm run check` fails when one is out of date.
//   node scripts/generated.mjs     writes them anew
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './reader-gone.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function listCases() {
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[join(root, 'harness/dist/src/cli/main.js'), 'list', '--json'],
		{
			encoding: 'utf8',
			maxBuffer: 64 * 1024 * 1024,
		},
	);
	if (status !== 0) throw new Error(`fencepost list failed: ${stderr}`);
	return JSON.parse(stdout);
}

/** docs/cases.md: every case with its statement and source, as the built suites list them. */
function casesPage(cases) {
	const cell = (text) => text.replaceAll('|', '\\|');
	const range = ({ since, until }) =>
		since && until ? `${since} to ${until}` : since ? `${since} on` : until ? `up to ${until}` : 'all';
	const lines = [
		'# Cases',
		'',
		'Made from the suites by `node scripts/generated.mjs`; `fencepost list` prints the same. Class: ABI is documented or',
		'long stable, IMPL what upstream does today, QUIRK an oddity worth pinning.',
	];
	for (const suite of [...new Set(cases.map((one) => one.suite))]) {
		const own = cases.filter((one) => one.suite === suite);
		lines.push(
			'',
			`## ${suite} (${own.length})`,
			'',
			'| case | catalogue | class | kernels | needs | statement | source |',
			'|---|---|---|---|---|---|---|',
		);
		for (const one of own) {
			const cells = [
				`\`${one.case}\``,
				one.catalogue,
				one.class,
				range(one),
				one.needs.join(', '),
				one.statement,
				one.source,
			];
			lines.push(`| ${cells.map(cell).join(' | ')} |`);
		}
	}
	return `${lines.join('\n')}\n`;
}

/** Every generated file with the text it should have. */
export async function generatedFiles() {
	return [{ path: 'docs/cases.md', text: casesPage(listCases()) }];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const { path, text } of await generatedFiles()) {
		writeFileSync(join(root, path), text);
		process.stdout.write(`wrote ${path}\n`);
	}
}
