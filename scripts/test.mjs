// SPDX-License-Identifier: MIT
// npm test: the same set-up as quickstart, then every test. Live tests boot real guests and are part of it.
//   npm test -- core kernel/     only test files whose path has one of these words
// Ends with one plain line: N passed, N failed.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));

// Compiled tests of sources that are gone would run for ever.
rmSync(join(root, 'harness/dist/test'), { recursive: true, force: true });
rmSync(join(root, 'harness/dist/.tsbuildinfo'), { force: true });
const setup = spawnSync(process.execPath, [join(root, 'scripts/setup.mjs')], { cwd: root, stdio: 'inherit' });
if (setup.status !== 0) process.exit(setup.status ?? 1);

const files = readdirSync(join(root, 'harness/dist/test'), { recursive: true })
	.filter((file) => file.endsWith('.test.js'))
	.filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
	.map((file) => join('harness/dist/test', file))
	.sort();
if (files.length === 0) {
	process.stderr.write(`no test file has ${words.join(' or ')} in its path\n`);
	process.exit(2);
}

/** tap counts nothing when a file dies before it speaks, so its exit status counts beside its totals. */
function totals(output) {
	const match = /^# \{ total: (\d+)(?:, pass: (\d+))?(?:, fail: (\d+))?/m.exec(output);
	return { passed: Number(match?.[2] ?? 0), failed: Number(match?.[3] ?? 0) };
}

const tap = spawn(join(root, 'node_modules/.bin/tap'), ['--reporter=terse', ...files], {
	cwd: root,
	stdio: ['ignore', 'pipe', 'inherit'],
	env: { ...process.env, NO_COLOR: '1' },
});
let output = '';
tap.stdout.on('data', (chunk) => {
	process.stdout.write(chunk);
	output = (output + chunk).slice(-65536);
});
tap.on('close', (status) => {
	const { passed, failed } = totals(output);
	const unseen = status === 0 ? 0 : Math.max(failed, 1);
	process.stdout.write(`${passed} passed, ${unseen} failed\n`);
	process.exitCode = status === 0 && passed > 0 ? 0 : 1;
});
