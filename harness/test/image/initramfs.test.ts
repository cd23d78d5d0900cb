// SPDX-License-Identifier: MIT
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import { Progress } from '../../src/core/progress.js';
import { type CpioEntry, cpioArchive } from '../../src/image/cpio.js';
import { buildInitramfs } from '../../src/image/initramfs.js';

const progress = new Progress('test', new AbortController().signal);

/** What GNU cpio reads in an archive, a line each: mode, links, owner, group, size or device, date, name. */
function listed(archive: Buffer): string[] {
	const text = execFileSync('cpio', ['--list', '--verbose', '--numeric-uid-gid', '--quiet'], {
		input: archive,
		encoding: 'utf8',
		env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
	});
	return text
		.trimEnd()
		.split('\n')
		.map((line) => line.replace(/ +/g, ' '));
}

const ENTRIES: readonly CpioEntry[] = [
	{ kind: 'file', path: '/init', mode: 0o755, data: Buffer.from('agent') },
	{ kind: 'file', path: 'suites/heap', mode: 0o755, data: Buffer.alloc(1001, 1) },
	{ kind: 'file', path: 'empty', data: Buffer.alloc(0) },
	{ kind: 'file', path: 'größe', data: Buffer.from('x') },
	{ kind: 'symlink', path: 'bin/sh', target: '../init' },
	{ kind: 'directory', path: 'tmp/', mode: 0o1777 },
	{ kind: 'character', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
];

t.test('GNU cpio reads what was written', async (t) => {
	const archive = cpioArchive(ENTRIES);
	const lines = listed(archive);
	t.strictSame(lines, [
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 bin',
		'lrwxrwxrwx 1 0 0 7 Jan 1 1970 bin/sh -> ../init',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 dev',
		'crw------- 1 0 0 5, 1 Jan 1 1970 dev/console',
		'-rw-r--r-- 1 0 0 0 Jan 1 1970 empty',
		'-rw-r--r-- 1 0 0 1 Jan 1 1970 größe',
		'-rwxr-xr-x 1 0 0 5 Jan 1 1970 init',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 suites',
		'-rwxr-xr-x 1 0 0 1001 Jan 1 1970 suites/heap',
		'drwxrwxrwt 2 0 0 0 Jan 1 1970 tmp',
	]);

	const out = t.testdir();
	const plain = cpioArchive(ENTRIES.filter(({ kind }) => kind !== 'character'));
	execFileSync('cpio', ['--extract', '--quiet', '--make-directories'], { input: plain, cwd: out });
	t.equal(readFileSync(join(out, 'init'), 'utf8'), 'agent');
	t.ok(readFileSync(join(out, 'suites/heap')).equals(Buffer.alloc(1001, 1)));
	t.equal(statSync(join(out, 'init')).mode & 0o7777, 0o755);
	t.equal(statSync(join(out, 'tmp')).mode & 0o7777, 0o1777);
	t.equal(readlinkSync(join(out, 'bin/sh')), '../init');
	t.strictSame(readdirSync(out).sort(), ['bin', 'empty', 'größe', 'init', 'suites', 'tmp'].sort());
});

t.test('the same entries give the same bytes', async (t) => {
	const archive = cpioArchive(ENTRIES);
	fc.assert(
		fc.property(fc.shuffledSubarray([...ENTRIES], { minLength: ENTRIES.length }), (shuffled) =>
			cpioArchive(shuffled).equals(archive),
		),
	);
	t.equal(archive.length % 512, 0);
});

t.test('any file comes back as it went in', async (t) => {
	const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
	const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
	const out = t.testdir();
	let round = 0;
	fc.assert(
		fc.property(path, fc.uint8Array({ maxLength: 3000 }), (path, data) => {
			const directory = join(out, String(round++));
			mkdirSync(directory);
			execFileSync('cpio', ['-id', '--quiet'], { input: cpioArchive([{ kind: 'file', path, data }]), cwd: directory });
			return readFileSync(join(directory, path)).equals(Buffer.from(data));
		}),
		{ numRuns: 20 },
	);
});

t.test('paths that cannot be', async (t) => {
	const file = (path: string): CpioEntry => ({ kind: 'file', path, data: Buffer.alloc(0) });
	const refused: readonly [CpioEntry[], RegExp][] = [
		[[file('a'), file('/a')], /two entries have this path/],
		[[file('a/../b')], /"\.\." part/],
		[[file('a//b')], /empty/],
		[[file('./a')], /"\."/],
		[[file('/')], /the root itself/],
		[[file('a\0b')], /NUL/],
		[[file('a'), file('a/b/c')], /a is no directory/],
		[[file('TRAILER!!!')], /ends an archive/],
	];
	for (const [entries, message] of refused) {
		t.throws(() => cpioArchive(entries), { code: 'ARCHIVE_ENTRY', blame: 'usage', message });
	}
});

t.test('an initramfs', async (t) => {
	const directory = t.testdir({
		agent: 'the agent',
		heap: 'a suite',
		'one.ko': 'module one',
		'two.ko.xz': execFileSync('xz', ['-c'], { input: 'module two' }),
		'three.ko.gz': gzipSync('module three'),
		extra: 'extra',
	});
	const at = (name: string) => join(directory, name);
	const cache = new Cache(join(directory, 'cache'));
	const options = {
		arch: 'arm64' as const,
		agent: { path: at('agent') },
		suites: [
			{ name: 'heap', path: at('heap') },
			{ name: 'sync', path: at('heap') },
		],
		modules: [at('one.ko'), at('two.ko.xz'), at('three.ko.gz')],
		extraFiles: [{ guestPath: '/etc/extra', hostPath: at('extra'), mode: 0o600 }],
		cache,
		progress,
	};
	const image = await buildInitramfs(options);
	const archive = readFileSync(image.path);
	t.strictSame(listed(archive), [
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 dev',
		'crw------- 1 0 0 5, 1 Jan 1 1970 dev/console',
		'crw-rw-rw- 1 0 0 1, 3 Jan 1 1970 dev/null',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 etc',
		'-rw------- 1 0 0 5 Jan 1 1970 etc/extra',
		'-rwxr-xr-x 1 0 0 9 Jan 1 1970 init',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 modules',
		'-rw-r--r-- 1 0 0 10 Jan 1 1970 modules/one.ko',
		'-rw-r--r-- 1 0 0 12 Jan 1 1970 modules/three.ko',
		'-rw-r--r-- 1 0 0 10 Jan 1 1970 modules/two.ko',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 proc',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 programs',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 suites',
		'-rwxr-xr-x 1 0 0 7 Jan 1 1970 suites/heap',
		'lrwxrwxrwx 1 0 0 12 Jan 1 1970 suites/sync -> /suites/heap',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 sys',
		'drwxr-xr-x 2 0 0 0 Jan 1 1970 tmp',
	]);
	const contents = (path: string) =>
		execFileSync('cpio', ['--extract', '--quiet', '--to-stdout', path], { input: archive, encoding: 'utf8' });
	t.equal(contents('init'), 'the agent');
	for (const name of ['one', 'two', 'three']) t.equal(contents(`modules/${name}.ko`), `module ${name}`);
	t.strictSame(readdirSync(join(image.path, '..')).sort(), ['entry.json', 'initramfs.cpio'], 'nothing else is kept');

	const written = statSync(image.path).mtimeMs;
	t.strictSame(await buildInitramfs(options), image, 'the same files are the same image');
	t.equal(statSync(image.path).mtimeMs, written, 'which is not written again');
	writeFileSync(at('heap'), 'another suite');
	t.not((await buildInitramfs(options)).id, image.id, 'another suite is another image');
	writeFileSync(at('heap'), 'a suite');
	chmodSync(image.path, 0o644);
	writeFileSync(image.path, 'damaged');
	const again = await buildInitramfs(options);
	t.ok(readFileSync(again.path).equals(archive), 'a damaged one is made again, byte for byte');

	await t.rejects(buildInitramfs({ ...options, modules: [at('none.ko')] }), {
		code: 'INITRAMFS_FILE',
		message: /none\.ko/,
	});
	writeFileSync(at('bad.ko.xz'), 'not xz');
	await t.rejects(buildInitramfs({ ...options, modules: [at('bad.ko.xz')] }), {
		code: 'INITRAMFS_FILE',
		message: /cannot decompress .*bad\.ko\.xz/,
	});
	const twice = { ...options, extraFiles: [{ guestPath: '/init', hostPath: at('extra') }] };
	await t.rejects(buildInitramfs(twice), { code: 'ARCHIVE_ENTRY', message: /"\/init".*two entries have this path/ });
});

const hasZstd = spawnSync('zstd', ['--version']).status === 0;

t.test('a module compressed with zstd', { skip: hasZstd ? false : 'zstd is not installed' }, async (t) => {
	const directory = t.testdir({ agent: 'the agent', 'four.ko': 'module four' });
	execFileSync('zstd', ['-q', '--rm', join(directory, 'four.ko')]);
	const cache = new Cache(join(directory, 'cache'));
	const agent = { path: join(directory, 'agent') };
	const modules = [join(directory, 'four.ko.zst')];
	const { path } = await buildInitramfs({ arch: 'arm64', agent, suites: [], modules, cache, progress });
	const arguments_ = ['--extract', '--quiet', '--to-stdout', 'modules/four.ko'];
	t.equal(execFileSync('cpio', arguments_, { input: readFileSync(path), encoding: 'utf8' }), 'module four');
});
