// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { hostArch } from '../../src/core/architectures.js';
import { Cache } from '../../src/core/cache.js';
import { run } from '../../src/core/process.js';
import { Progress, type ProgressEvent } from '../../src/core/progress.js';
import { withRoomFor } from '../../src/kernel/disk-full.js';
import { pristineSource } from '../../src/kernel/pristine-source.js';
import { findToolchain } from '../../src/kernel/toolchain.js';

const { signal } = new AbortController();

t.test('missing build tools are named by package, all at once', async (t) => {
	const directory = t.testdir({});
	const path = process.env['PATH'];
	t.teardown(() => {
		process.env['PATH'] = path;
	});
	const cross = hostArch === 'arm64' ? 'x86_64' : 'arm64';
	for (const name of ['make', 'gcc', 'ld', 'as', 'bison', 'perl', 'xz']) {
		symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(directory, name));
	}
	process.env['PATH'] = directory;
	const error: unknown = await findToolchain(cross, signal).catch((caught: unknown) => caught);
	t.match(error, { code: 'TOOL_MISSING', blame: 'infrastructure', message: /flex/, hint: /apt-get install .*flex bc/ });
	t.match(error, { message: cross === 'arm64' ? /gcc-aarch64-linux-gnu/ : /gcc-x86-64-linux-gnu/ });
	t.notMatch(error, { message: /bison/ });
	process.env['PATH'] = path;
	const found = await findToolchain(hostArch ?? 'x86_64', signal);
	t.match(found.version, /^gcc .*\d+\.\d+.*; GNU ld/);
	t.match(found.compiler, /^(?:ccache )?gcc$/);
});

t.test('a full disk is told from other failures, whoever met it', async (t) => {
	await t.rejects(
		withRoomFor('/x', () => run('dd', ['if=/dev/zero', 'of=/dev/full', 'bs=1', 'count=1'])),
		{ code: 'DISK_FULL', blame: 'infrastructure', hint: /cache prune/, evidence: /No space left/ },
	);
	await t.rejects(
		withRoomFor('/x', async () => {
			throw Object.assign(new Error('write'), { code: 'ENOSPC' });
		}),
		{ code: 'DISK_FULL' },
	);
	await t.rejects(
		withRoomFor('/x', () => run('sh', ['-c', 'echo other >&2; exit 1'])),
		{ code: 'COMMAND_FAILED' },
	);
	t.equal(await withRoomFor('/x', async () => 7), 7);
});

t.test('an unpacked source is checked before each use', async (t) => {
	const root = t.testdir({ package: { DEBIAN: {}, usr: { src: {} } }, 'linux-source-6.12': { kernel: {} } });
	for (let index = 0; index < 50; index++) {
		writeFileSync(join(root, 'linux-source-6.12', 'kernel', `${index}.c`), 'x'.repeat(300_000));
	}
	symlinkSync('kernel', join(root, 'linux-source-6.12', 'link'));
	const archive = join(root, 'package', 'usr', 'src', 'linux-source-6.12.tar.xz');
	execFileSync('tar', ['-C', root, '-cJf', archive, 'linux-source-6.12']);
	writeFileSync(
		join(root, 'package', 'DEBIAN', 'control'),
		'Package: linux-source-6.12\nVersion: 6.12.1-1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n',
	);
	const deb = join(root, 'source.deb');
	execFileSync('dpkg-deb', ['--root-owner-group', '--build', join(root, 'package'), deb], { stdio: 'ignore' });
	const cache = new Cache(join(root, 'cache'));
	const events: ProgressEvent[] = [];
	const progress = new Progress('test', signal, (event) => events.push(event));
	let fetched = 0;
	const get = () =>
		pristineSource(
			'linux-6.12.1',
			'a'.repeat(64),
			async () => {
				fetched++;
				return deb;
			},
			cache,
			progress,
		);
	const [directory, same] = await Promise.all([get(), get()]);
	t.equal(directory, same);
	t.equal(fetched, 1, 'two at once unpack once');
	t.equal((await readdir(join(directory, 'kernel'))).length, 50);
	t.ok(events.some(({ phase, fraction }) => phase === 'unpack' && fraction !== undefined && fraction > 0));
	t.same(await readdir(join(root, 'cache', 'tmp')), []);

	const damage: Record<string, () => unknown> = {
		'a changed file': () => appendFileSync(join(directory, 'kernel', '7.c'), 'y'),
		'an added file': () => writeFileSync(join(directory, 'kernel', 'new.c'), ''),
		'a touched file': () => utimesSync(join(directory, 'kernel', '7.c'), 1, 1),
		'a missing file': () => rm(join(directory, 'kernel', '7.c')),
		'a missing folder': () => rm(directory, { recursive: true }),
		'a damaged stamp': () => writeFileSync(`${directory}.json`, '{'),
	};
	for (const [what, harm] of Object.entries(damage)) {
		await harm();
		events.length = 0;
		fetched = 0;
		t.equal(await get(), directory);
		t.equal(fetched, 1, `${what} is noticed`);
		t.equal((await readFile(join(directory, 'kernel', '7.c'), 'utf8')).length, 300_000);
		t.equal(
			events.some(({ phase }) => phase === 'note'),
			what !== 'a damaged stamp',
			'and said',
		);
	}
	fetched = 0;
	await get();
	t.equal(fetched, 0);
	mkdirSync(join(root, 'empty', 'DEBIAN'), { recursive: true });
	writeFileSync(join(root, 'empty', 'DEBIAN', 'control'), await readFile(join(root, 'package', 'DEBIAN', 'control')));
	execFileSync('dpkg-deb', ['--build', join(root, 'empty'), deb], { stdio: 'ignore' });
	await rm(directory, { recursive: true });
	await t.rejects(get());
	t.same(await readdir(join(root, 'cache', 'tmp')), [], 'nothing half-unpacked is left');
});
