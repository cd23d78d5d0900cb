// SPDX-License-Identifier: MIT
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	existsSync,
	mkdirSync,
	readdirSync,
	renameSync,
	rmSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { doomed, pruneRule } from '../../src/cli/prune.js';
import { Cache, type CacheKind } from '../../src/core/cache.js';
import type { Holding, HoldingKind } from '../../src/core/holding.js';
import { Progress } from '../../src/core/progress.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const progress = new Progress('test', new AbortController().signal);

interface Answer {
	readonly status: number;
	readonly stdout: string;
	readonly stderr: string;
}

function fencepost(parent: string, ...args: string[]): Promise<Answer> {
	return new Promise((resolve) => {
		const env = { ...process.env, XDG_CACHE_HOME: parent };
		execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) =>
			resolve({ status: error ? Number(error.code) : 0, stdout, stderr }),
		);
	});
}

function age(path: string, days: number): void {
	const time = Date.now() / 1000 - days * 86_400;
	utimesSync(path, time, time);
}

async function put(
	cache: Cache,
	kind: CacheKind,
	id: string,
	days: number,
	info: unknown,
	bytes: number,
): Promise<void> {
	const { path } = await cache.entry(kind, id, progress, async (directory) => {
		writeFileSync(join(directory, 'file'), Buffer.alloc(bytes, id));
		return info;
	});
	age(path, days);
}

const MIB = 2 ** 20;

/** A cache with something of most kinds in it, and nobody who uses it. */
async function furnish(parent: string): Promise<Cache> {
	const root = join(parent, 'fencepost');
	const filled = new Cache(join(parent, 'filled'));
	const kernel = { arch: 'arm64', selector: 'source:6.12', release: '6.12.1', hasConfig: false, hasModules: false };
	await put(filled, 'kernels', 'kernel-old', 40, { ...kernel, provenance: [] }, 10 * MIB);
	await put(filled, 'kernels', 'kernel-new', 1, { ...kernel, selector: 'source:7.3', provenance: [] }, 10 * MIB);
	await put(filled, 'packages', 'package', 35, { name: 'linux-source-6.12', version: '6.12.1-1' }, 20 * MIB);
	await put(filled, 'templates', 'template', 2, undefined, MIB);
	for (const folder of ['builds/linux-6.12-arm64', 'sources/linux-6.12', 'mine', 'tmp/kernels-of-a-killed-run']) {
		mkdirSync(join(filled.root, folder), { recursive: true });
		writeFileSync(join(filled.root, folder, 'file'), 'x'.repeat(10_000));
		age(join(filled.root, folder), 50);
	}
	writeFileSync(join(filled.root, 'sources', 'linux-6.12.json'), '{}');
	age(join(filled.root, 'sources', 'linux-6.12.json'), 3);
	renameSync(filled.root, root);
	// This process must not count as one that uses it.
	rmSync(join(root, 'users'), { recursive: true });
	return new Cache(root);
}

t.test('list: every kind, what it takes, and what it costs to have it again', async (t) => {
	const parent = t.testdir();
	const empty = await fencepost(parent, 'cache');
	t.same([empty.status, empty.stdout], [0, `Nothing is kept yet in ${join(parent, 'fencepost')}.\n`]);
	const { root } = await furnish(parent);
	const { stdout, status } = await fencepost(parent, 'cache');
	t.equal(status, 0);
	const lines = stdout.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
	t.match(lines[0], 'kind entries on disk used longest to have it again');
	t.match(lines, [/^kind/, /^kernels 2 20 MiB 24 h 40 d built again when a run asks for it: some 3 minutes/]);
	for (const pattern of [
		/^packages 1 20 MiB 35 d 35 d downloaded again/m,
		/^templates 1 1\.0 MiB 2 d 2 d its machine is booted/m,
		/^sources 1 \d+ KiB 3 d 3 d unpacked again/m,
		/^builds 1 \d+ KiB 50 d 50 d the next kernel built there takes minutes/m,
		/^tmp 1 \d+ KiB 1 of processes that were killed: prune removes them/m,
		/^mine \d+ KiB none of ours: left alone/m,
		/^41 MiB in .*fencepost; [\d.]+ [GT]iB are free there\.$/m,
	])
		t.match(lines.join('\n'), pattern);
	t.notMatch(stdout, /In use by/);

	const entries = await fencepost(parent, 'cache', 'list', '--kind', 'kernels');
	t.match(entries.stdout, /^ +10 MiB +24 h {2}kernel source:7\.3 arm64 6\.12\.1 \(kernel-new\)\n/);
	t.match(entries.stdout, /\n2 of kernels: 20 MiB\.\n$/);

	const json = JSON.parse((await fencepost(parent, 'cache', '--json')).stdout);
	t.match(json, { root, processes: [], unfinished: [{ name: 'kernels-of-a-killed-run', stale: true }] });
	t.match(json.others, [{ name: 'mine' }]);
	const kernels = json.kinds.find((one: { kind: string }) => one.kind === 'kernels');
	t.match(kernels, { entries: 2, again: /3 minutes/, newestUse: /^20.*Z$/, oldestUse: /^20.*Z$/ });
	t.ok(kernels.bytes > 20 * MIB && json.bytes > kernels.bytes && json.freeBytes > 0);
	const detailed = JSON.parse((await fencepost(parent, 'cache', 'list', '--json', '--kind', 'packages')).stdout);
	t.match(detailed.entries, [{ kind: 'packages', name: 'package', label: 'linux-source-6.12 6.12.1-1 (package)' }]);
});

t.test('prune: by age, to a size, by kind; what is in use stays', async (t) => {
	const parent = t.testdir();
	const { root } = await furnish(parent);
	const there = () => readdirSync(join(root, 'kernels')).sort();
	const dry = await fencepost(parent, 'cache', 'prune', '--dry-run');
	t.equal(dry.status, 0);
	t.match(dry.stdout, /^would remove +\d+ KiB {2}leftover of a process that was killed: kernels-of-a-killed-run\n/);
	t.match(dry.stdout, /would remove +10 MiB {2}kernel source:6\.12 arm64 6\.12\.1 \(kernel-old\)\n/);
	t.match(dry.stdout, /would remove +20 MiB {2}package linux-source-6\.12 6\.12\.1-1 \(package\)\n/);
	t.match(dry.stdout, /would remove +\d+ KiB {2}1 small one of builds\n/);
	t.match(dry.stdout, /\nWould free 30 MiB; 11 MiB would be left\.\n {2}/);
	t.match(dry.stdout, /\n {2}kernels: built again when a run asks for it/);
	t.same(there(), ['kernel-new', 'kernel-old']);
	t.ok(existsSync(join(root, 'tmp', 'kernels-of-a-killed-run')));

	const kernels = await fencepost(parent, 'kernel', 'prune', '--older-than', '39');
	t.match(kernels.stdout, /Freed 10 MiB; 30 MiB are left\./);
	t.same(there(), ['kernel-new']);
	t.same(readdirSync(join(root, 'builds')), []);
	t.same(readdirSync(join(root, 'sources')).sort(), ['linux-6.12', 'linux-6.12.json'], 'its stamp was touched');
	t.same(readdirSync(join(root, 'tmp')), []);

	const sized = await fencepost(parent, 'cache', 'prune', '--max-size', '15M');
	t.match(sized.stdout, /removed +20 MiB {2}package/);
	t.match(sized.stdout, /Freed 20 MiB; 11 MiB are left\./);
	const nothing = await fencepost(parent, 'cache', 'prune', '--max-size', '15M');
	t.same([nothing.status, nothing.stdout], [0, 'Nothing is there: no more than 15 MiB is there.\n']);

	// A run that has looked the kernel up, and goes on.
	const cacheModule = JSON.stringify(new URL('../../src/core/cache.js', import.meta.url).href);
	const code = `import { Cache } from ${cacheModule};
		await new Cache(${JSON.stringify(root)}).lookup('kernels', 'kernel-new');
		console.log('ready');
		setTimeout(() => {}, 60_000);`;
	const run = spawn(process.execPath, ['--input-type=module', '--eval', code], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	await once(run.stdout, 'data');
	t.match((await fencepost(parent, 'cache')).stdout, `In use by process ${run.pid}.`);
	const busy = await fencepost(parent, 'cache', 'prune', '--max-size', '1M');
	t.equal(busy.status, 3);
	const why = `used since process ${run.pid} began, which still runs`;
	t.match(busy.stdout, new RegExp(`stays +10 MiB {2}kernel source:7\\.3 arm64 6\\.12\\.1 \\(kernel-new\\): ${why}\\n`));
	t.match(busy.stdout, /\n10 MiB are more than --max-size 1\.0 MiB: what stays is in use; prune again when/);
	t.same(there(), ['kernel-new']);
	const dryBusy = await fencepost(parent, 'cache', 'prune', '--all', '--kind', 'kernels', '--dry-run');
	t.match(dryBusy.stdout, /^stays +10 MiB/);
	run.kill('SIGKILL');
	await once(run, 'close');
	const all = await fencepost(parent, 'cache', 'prune', '--all');
	t.equal(all.status, 0);
	t.same(there(), []);
	t.same(readdirSync(join(root, 'mine')), ['file'], 'what is none of ours is left alone');
});

t.test('verify: damaged entries are named and removed', async (t) => {
	const parent = t.testdir();
	const { root } = await furnish(parent);
	const sound = await fencepost(parent, 'cache', 'verify');
	t.same([sound.status, sound.stdout], [0, '4 entries: none is damaged.\n']);
	truncateSync(join(root, 'kernels', 'kernel-new', 'file'), 5);
	const other = await fencepost(parent, 'cache', 'verify', '--kind', 'packages');
	t.same([other.status, other.stdout], [0, '1 entries: none is damaged.\n']);
	const found = await fencepost(parent, 'cache', 'verify');
	t.equal(found.status, 1);
	t.match(found.stdout, /^removed kernels\/kernel-new: file is not what was stored \(sha256 [0-9a-f]{12}\)\n/);
	t.match(found.stdout, /\n4 entries: 1 damaged and removed: they are made again when they are asked for\.\n$/);
	t.same(readdirSync(join(root, 'kernels')), ['kernel-old']);
});

t.test('wrong usage: what was found, what is accepted, exit code 2', async (t) => {
	const parent = t.testdir();
	const rows: readonly [args: string[], said: RegExp][] = [
		[['prun'], /unknown command "cache prun"\n {2}did you mean cache prune\? accepted: list, prune, verify/],
		[
			['prune', '--kind', 'template'],
			/--kind template: there is no such kind\n {2}did you mean templates\? accepted: kernels, /,
		],
		[['verify', '--kind', 'builds'], /--kind builds: there is no such kind\n {2}.*accepted: kernels, packages/],
		[['list', '--kind', 'zzz'], /--kind zzz: there is no such kind\n {2}accepted: /],
		[
			['prune', '--older-than', '3 moons'],
			/--older-than "3 moons" is no age\n {2}accepted: days, as 30 or 30d; 12h, 2w/,
		],
		[['prune', '--max-size', 'big'], /--max-size "big" is no size\n {2}accepted: 10G, 500M/],
		[['prune', '--all', '--max-size', '1G'], /--all leaves nothing to --max-size/],
		[['prune', '--max-siz', '1G'], /unknown option '--max-siz'\n\(Did you mean --max-size\?\)/],
		[['verify', 'x'], /too many arguments/],
	];
	for (const [args, said] of rows) {
		const { status, stderr, stdout } = await fencepost(parent, 'cache', ...args);
		t.same([status, stdout], [2, ''], args.join(' '));
		t.match(stderr, said);
	}
	t.notOk(existsSync(join(parent, 'fencepost', 'kernels')));
});

t.test('a rule takes what is old, and then what was used longest ago until the rest fits', (t) => {
	const kind: HoldingKind = { name: 'kernels', what: 'kernel', again: '', form: 'entries' };
	const now = new Date('2026-06-01T00:00:00Z');
	const holdings = [1, 40, 10, 31].map((days): Holding => {
		const usedAt = new Date(now.getTime() - days * 86_400_000);
		return { kind, name: String(days), label: '', path: '', usedAt, bytes: 100 };
	});
	const rows: readonly [options: Parameters<typeof pruneRule>[0], gone: string[]][] = [
		[{}, ['40', '31']],
		[{ olderThan: '30' }, ['40', '31']],
		[{ olderThan: '1w' }, ['40', '31', '10']],
		[{ olderThan: '23.5h' }, ['40', '31', '10', '1']],
		[{ olderThan: '0' }, ['40', '31', '10', '1']],
		[{ olderThan: '41d' }, []],
		[{ maxSize: '400' }, []],
		[{ maxSize: '399' }, ['40']],
		[{ maxSize: '0' }, ['40', '31', '10', '1']],
		[{ olderThan: '30d', maxSize: '300' }, ['40', '31']],
		[{ olderThan: '30d', maxSize: '100' }, ['40', '31', '10']],
		[{ all: true }, ['40', '31', '10', '1']],
	];
	for (const [options, gone] of rows) {
		const names = doomed(holdings, pruneRule(options, now)).map(({ name }) => name);
		t.same(names, gone, JSON.stringify(options));
	}
	t.end();
});
