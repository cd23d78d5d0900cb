// SPDX-License-Identifier: MIT
// From a clean clone to verdicts: set up the machine, then run the default plan.
//   npm run quickstart [-- --check]
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const options = process.argv.slice(2);
const checkOnly = options.includes('--check');

function node(script, args) {
	// Ctrl-C reaches the child too (same terminal group); it cleans up and tells by its status.
	process.on('SIGINT', () => {});
	const { status, signal } = spawnSync(process.execPath, [join(root, script), ...args], {
		cwd: root,
		stdio: 'inherit',
	});
	if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}

node('scripts/setup.mjs', checkOnly ? ['--check'] : []);
if (!checkOnly) node('harness/dist/src/cli/main.js', ['run', ...options]);
