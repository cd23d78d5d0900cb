// SPDX-License-Identifier: MIT
// Makes a kernel repository for trying out a bisect: Debian's kernel source as its first commit, and on top of it the
// series in kernels/bisect, with one regression, one commit that does not build and one that does not boot.
//   node scripts/bisect-repository.mjs [DIR] [--kernel source:6.12] [--json]
// Without DIR the one in the cache is taken, and put back to its first state. docs/bisect.md says what to do with it.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, argv } from 'zx';
import { Cache } from '../harness/dist/src/core/cache.js';
import { sha256 } from '../harness/dist/src/core/hash.js';
import { withLock } from '../harness/dist/src/core/lock.js';
import { Progress } from '../harness/dist/src/core/progress.js';
import { parseKernelSelector } from '../harness/dist/src/core/selector.js';
import { loadCatalogue } from '../harness/dist/src/kernel/catalogue.js';
import { fetchPackage } from '../harness/dist/src/kernel/package-store.js';
import { pristineSource } from '../harness/dist/src/kernel/pristine-source.js';
import { findSource } from '../harness/dist/src/kernel/source.js';
import { readSeries } from './bisect-series.mjs';
import './reader-gone.mjs';

$.verbose = false;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = new Cache();
const note = (text) => process.stderr.write(`bisect-repository: ${text}\n`);

/** Nothing of the user's git takes part, so that everybody gets the same commits. */
const GIT_ENV = {
	...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
	GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_CONFIG_SYSTEM: '/dev/null',
	GIT_AUTHOR_NAME: 'Fencepost',
	GIT_AUTHOR_EMAIL: 'fencepost@example.org',
	GIT_COMMITTER_NAME: 'Fencepost',
	GIT_COMMITTER_EMAIL: 'fencepost@example.org',
};

/** Runs git in a repository. @returns {Promise<string>} standard output, without its last newline. */
async function git(repository, args, { env = {}, input = '' } = {}) {
	const { stdout } = await $({ env: { ...GIT_ENV, ...env }, input })`git -C ${repository} ${args}`.quiet();
	return stdout.trim();
}

/** Debian's source of a kernel, unpacked. @returns {Promise<{ name: string, path: string }>} */
async function kernelSource(selector) {
	const progress = new Progress('bisect-repository', new AbortController().signal, ({ state, phase, detail }) => {
		if (state !== 'update') note([phase, state, detail].filter(Boolean).join(' '));
	});
	const catalogue = await loadCatalogue(root);
	const { kernel, apt } = await findSource(parseKernelSelector(selector, '--kernel'), { cache, progress, catalogue });
	const { record, upstream } = kernel;
	const fetch = () => fetchPackage(apt, record, cache, progress);
	const path = await pristineSource(`linux-${upstream}`, record.sha256, fetch, cache, progress);
	return { name: `linux-${upstream}-${record.sha256.slice(0, 12)}`, version: upstream, path };
}

const commitEnv = (minute) => {
	const date = `${Date.UTC(2026, 0, 1) / 1000 + 60 * minute} +0000`;
	return { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
};

/** The bare repository in the cache with the source as its only commit: made once, 86,000 files in one pack. */
async function baseRepository({ name, version, path }) {
	const bare = cache.workPath('bisect', `${name}.git`);
	if (existsSync(bare)) return bare;
	const temporary = cache.workPath('tmp', `bisect-${process.pid}`);
	rmSync(temporary, { recursive: true, force: true });
	mkdirSync(temporary, { recursive: true });
	note(`committing ${name} (about a minute, once)`);
	try {
		await git(temporary, ['init', '--quiet', '--bare', '--initial-branch=main', '.']);
		// A file above the threshold goes straight into a pack: no 86,000 loose objects to write and pack again.
		const fast = ['-c', 'core.bigFileThreshold=1', '-c', 'core.compression=1', '-c', 'core.fsync=none'];
		await git(temporary, [...fast, '--git-dir=.', `--work-tree=${path}`, 'add', '--all', '--force', '--', path]);
		const tree = await git(temporary, ['write-tree']);
		const message = `Linux ${version}\n`;
		const commit = await git(temporary, ['commit-tree', tree], { env: commitEnv(0), input: message });
		await git(temporary, ['tag', 'base', commit]);
		mkdirSync(dirname(bare), { recursive: true });
		renameSync(temporary, bare);
	} finally {
		rmSync(temporary, { recursive: true, force: true });
	}
	return bare;
}

/** Commits the series on top of the source, without a working tree. @returns {Promise<string[]>} the commits, in order. */
async function commitSeries(bare, series) {
	const ref = `refs/series/${sha256(series.map(({ text }) => text).join('\0')).slice(0, 16)}`;
	if ((await git(bare, ['for-each-ref', ref])) === '') {
		note(`committing ${series.length} changes`);
		const env = { GIT_INDEX_FILE: join(bare, `index-${process.pid}`) };
		let commit = await git(bare, ['rev-parse', 'base']);
		try {
			await git(bare, ['read-tree', 'base'], { env });
			for (const [index, { message, diff }] of series.entries()) {
				await git(bare, ['apply', '--cached', '-'], { env, input: diff });
				const tree = await git(bare, ['write-tree'], { env });
				const args = ['commit-tree', tree, '-p', commit];
				commit = await git(bare, args, { env: commitEnv(index + 1), input: message });
			}
		} finally {
			rmSync(env.GIT_INDEX_FILE, { force: true });
		}
		await git(bare, ['update-ref', ref, commit]);
	}
	await git(bare, ['update-ref', 'refs/heads/main', ref]);
	return (await git(bare, ['rev-list', '--reverse', 'base..main'])).split('\n');
}

/** A clone with a working tree. Its pack is a hard link to the cache's where that is on the same disk. */
async function checkOut(bare, directory, ours) {
	if (existsSync(join(directory, '.git')) && ours) {
		await git(directory, ['bisect', 'reset']).catch(() => {});
		await git(directory, ['fetch', '--quiet', '--force', '--tags', 'origin', 'main']);
		await git(directory, ['checkout', '--quiet', '--force', '-B', 'main', 'FETCH_HEAD']);
		await git(directory, ['clean', '-q', '-ffdx']);
		return;
	}
	if (ours) rmSync(directory, { recursive: true, force: true });
	note(`checking out to ${directory}`);
	await git('/', ['-c', 'checkout.workers=0', 'clone', '--quiet', '--branch', 'main', bare, directory]);
}

async function makeRepository() {
	const source = await kernelSource(argv.kernel ?? 'source:6.12');
	const series = readSeries(root);
	const ours = argv._.length === 0;
	const directory = ours ? cache.workPath('bisect', source.name) : resolve(String(argv._[0]));
	if (!ours && existsSync(directory) && readdirSync(directory).length > 0) {
		throw new Error(`${directory} is not empty: name a folder that is not there yet`);
	}
	const lock = cache.workPath('locks', `bisect-${source.name}`);
	return withLock(lock, async () => {
		const bare = await baseRepository(source);
		const commits = await commitSeries(bare, series);
		await checkOut(bare, directory, ours);
		for (const folder of [source.name, `${source.name}.git`]) await cache.touch('bisect', folder);
		const roles = series.flatMap(({ role }, index) => (role ? [[role, commits[index]]] : []));
		return { directory, good: 'base', bad: 'main', commits: commits.length, ...Object.fromEntries(roles) };
	});
}

if (argv._.length > 1 || Object.keys(argv).some((name) => !['_', 'kernel', 'json'].includes(name))) {
	note('accepted: [DIR] [--kernel source:VERSION] [--json]');
	process.exit(2);
}
try {
	const made = await makeRepository();
	const lines = Object.entries(made).map(([name, value]) => `${name.padEnd(16)}${value}\n`);
	process.stdout.write(argv.json ? `${JSON.stringify(made)}\n` : lines.join(''));
} catch (error) {
	note(error.stderr?.trim() || error.message);
	if (error.hint) note(error.hint);
	process.exitCode = 1;
}
