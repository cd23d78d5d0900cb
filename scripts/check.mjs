// SPDX-License-Identifier: MIT
// npm run check: everything that can be said of the code without running it.
//   formatting and lint (biome), types (tsc), dead code (knip), the import table, files that name a machine.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './generated.mjs';
import { importViolations } from './import-table.mjs';
import './reader-gone.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
let failures = 0;

function report(name, problems) {
	const ok = problems.length === 0;
	if (!ok) failures++;
	process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${name}\n${problems.map((line) => `       ${line}\n`).join('')}`);
}

function tool(name, ...args) {
	const { status, stdout, stderr, error } = spawnSync(join(root, 'node_modules/.bin', args[0]), args.slice(1), {
		cwd: root,
		encoding: 'utf8',
	});
	report(name, status === 0 ? [] : (error?.message ?? `${stdout}\n${stderr}`).trim().split('\n'));
}

/** Files of the project that carry something only one machine has. */
function machineTraces() {
	const apt = spawnSync(
		'sh',
		['-c', "grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null"],
		{ encoding: 'utf8' },
	);
	const hosts = [
		...new Set(
			apt.stdout
				.split('\n')
				.map((line) => line.replace(/^https?:\/\//, ''))
				.filter((host) => host.includes('.')),
		),
	];
	const patterns = [...hosts.flatMap((host) => ['-e', host]), '-e', `${root}/`];
	const { stdout } = spawnSync('git', ['grep', '-nF', ...patterns, '--', '.', ':!package-lock.json'], {
		cwd: root,
		encoding: 'utf8',
	});
	return stdout.split('\n').filter(Boolean);
}

function missingLicences() {
	const { stdout } = spawnSync('git', ['ls-files', '*.ts', '*.mjs', '*.c', '*.h', '*.config'], {
		cwd: root,
		encoding: 'utf8',
	});
	return stdout
		.split('\n')
		.filter((file) => file && !file.includes('/fixtures/'))
		.filter((file) => !readFileSync(join(root, file), 'utf8').slice(0, 200).includes('SPDX-License-Identifier:'))
		.map((file) => `${file}: no SPDX line`);
}

function longFiles() {
	const { stdout } = spawnSync('git', ['ls-files', 'harness/src', 'guest', 'suites', 'scripts'], {
		cwd: root,
		encoding: 'utf8',
	});
	return stdout
		.split('\n')
		.filter((file) => /\.(ts|mjs|c|h)$/.test(file))
		.map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length])
		.filter(([, lines]) => lines > 400)
		.map(([file, lines]) => `${file}: ${lines} lines, split it`);
}

tool('biome', 'biome', 'check', '.');
tool('tsc', 'tsc', '-p', 'harness', '--noEmit');
tool('knip', 'knip');
report('imports', importViolations(join(root, 'harness/src')));
report('licences', missingLicences());
report('file length', longFiles());
report('machine traces', machineTraces());
report(
	'generated files',
	(await generatedFiles())
		.filter(({ path, text }) => readFileSync(join(root, path), 'utf8') !== text)
		.map(({ path }) => `${path} is out of date: run node scripts/generated.mjs`),
);
process.exitCode = failures === 0 ? 0 : 1;
