// SPDX-License-Identifier: MIT
// Makes this machine ready: Debian packages, npm packages, the compiled harness.
//   node scripts/setup.mjs           installs what is missing and says why
//   node scripts/setup.mjs --check   only reports; status 1 when something is missing
// Runs before anything is installed, so it uses nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingPackages } from './packages.mjs';
import './reader-gone.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(root, 'node_modules', '.fencepost-lock');
/** zlib.crc32 came with 20.15. */
const MIN_NODE = [20, 15];

function say(text) {
	process.stderr.write(`setup: ${text}\n`);
}

function die(text) {
	say(text);
	process.exit(1);
}

function must(command, args, options = {}) {
	const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
	if (result.error) die(`cannot run ${command}: ${result.error.message}`);
	if (result.status !== 0) die(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`);
}

function lockHash() {
	return createHash('sha256')
		.update(readFileSync(join(root, 'package-lock.json')))
		.digest('hex');
}

function npmPackagesAreCurrent() {
	return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockHash();
}

function listed(packages) {
	return packages
		.map(({ name, why, optional }) => `  ${name.padEnd(28)} ${why}${optional ? ' (optional)' : ''}`)
		.join('\n');
}

function check() {
	const missing = missingPackages();
	if (missing === undefined)
		die('no dpkg here: Fencepost sets itself up on Debian and its like; docs/setup.md lists what it needs elsewhere');
	const needed = missing.filter(({ optional }) => !optional);
	say(missing.length === 0 ? 'every Debian package is here' : `missing Debian packages:\n${listed(missing)}`);
	const current = npmPackagesAreCurrent();
	say(current ? 'npm packages are up to date' : 'npm packages are missing or out of date');
	const built = existsSync(join(root, 'harness/dist/src/cli/main.js'));
	say(built ? 'the harness is built' : 'the harness is not built');
	process.exitCode = needed.length === 0 && current && built ? 0 : 1;
}

function installDebianPackages() {
	const missing = missingPackages();
	if (missing === undefined) {
		say('no dpkg here: not installing system packages');
		return;
	}
	if (missing.length === 0) return;
	say(`installing Debian packages:\n${listed(missing)}`);
	const sudo = process.getuid?.() === 0 ? [] : ['sudo', '--preserve-env=http_proxy,https_proxy'];
	const apt = (...args) => {
		const [command, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
		return spawnSync(command, rest, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
	};
	const install = (packages) => apt('install', '-y', '--no-install-recommends', ...packages.map(({ name }) => name));
	if (!apt('update')) say('apt-get update failed; trying with the indexes that are here');
	const needed = missing.filter(({ optional }) => !optional);
	if (needed.length > 0 && !install(needed)) {
		die(`could not install ${needed.map(({ name }) => name).join(' ')}; install them by hand and run this again`);
	}
	const extra = missing.filter(({ optional }) => optional);
	if (extra.length > 0 && !install(extra)) say(`going on without ${extra.map(({ name }) => name).join(' ')}`);
}

function installNpmPackages() {
	if (npmPackagesAreCurrent()) return;
	say('installing npm packages');
	// Not `npm ci`: it refuses a lock file that was made where packages for other platforms cannot be had.
	must('npm', ['install', '--no-save', '--no-audit', '--no-fund']);
	writeFileSync(STAMP, lockHash());
}

function build() {
	say('building the harness');
	must(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'harness']);
	const bin = 'harness/dist/src/cli/main.js';
	chmodSync(join(root, bin), 0o755);
	// npm links the bins of packages it installs, not the root's own: with this, `npx fencepost` works in the checkout.
	const link = join(root, 'node_modules/.bin/fencepost');
	rmSync(link, { force: true });
	symlinkSync(join('../..', bin), link);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
	die(`Node ${MIN_NODE.join('.')} or newer is needed, this is ${process.versions.node}`);
}
if (process.argv.includes('--check')) check();
else {
	installDebianPackages();
	installNpmPackages();
	build();
}
