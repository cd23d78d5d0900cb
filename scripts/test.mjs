// SPDX-License-Identifier: MIT
// npm test: the same set-up as quickstart, then every test. Live tests boot real guests and are part of it.
//   npm test -- core kernel/     only test files whose path has one of these words
// Ends with one plain line: N passed, N failed.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import './reader-gone.mjs';

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
function totals(line) {
	const match = /^# \{ total: (\d+)(?:, pass: (\d+))?(?:, fail: (\d+))?/.exec(line);
	return match && { passed: Number(match[2] ?? 0), failed: Number(match[3] ?? 0) };
}

// One line a file; of one that fails, everything it said.
const tap = spawn(join(root, 'node_modules/.bin/tap'), ['--reporter=tap', ...files], {
	cwd: root,
	stdio: ['ignore', 'pipe', 'inherit'],
	env: { ...process.env, NO_COLOR: '1' },
});
process.on('exit', () => tap.kill());
let counted = { passed: 0, failed: 0 };
let said = [];
for await (const line of createInterface({ input: tap.stdout })) {
	counted = totals(line) ?? counted;
	if (/^(not )?ok /.test(line)) {
		process.stdout.write(
			line.startsWith('not ok') ? `${[...said, line].join('\n')}\n` : `${line.replace(/ \{$/, '')}\n`,
		);
		said = [];
	} else said.push(line);
}
const status = tap.exitCode ?? (await new Promise((resolve) => tap.once('close', resolve)));
const { passed, failed } = counted;
process.stdout.write(`${passed} passed, ${status === 0 ? failed : Math.max(failed, 1)} failed\n`);
process.exitCode = status === 0 && passed > 0 ? 0 : 1;
