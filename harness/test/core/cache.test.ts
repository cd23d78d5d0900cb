// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
	existsSync,
	mkdirSync,
	readdirSync,
	statSync,
	truncateSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { formatBytes, parseBytes } from '../../src/core/bytes.js';
import { Cache, type CacheEntry } from '../../src/core/cache.js';
import { evict } from '../../src/core/cache-eviction.js';
import { OtherUsers } from '../../src/core/cache-users.js';
import { type HoldingKind, listHoldings, removeHolding } from '../../src/core/holding.js';
import { listLeftovers, removeLeftover, removeOldLocks } from '../../src/core/leftovers.js';
import { acquireLock, tryLock, withLock } from '../../src/core/lock.js';
import { Progress, type ProgressEvent } from '../../src/core/progress.js';

const { signal } = new AbortController();
const quiet = new Progress('test', signal);
const KINDS: readonly HoldingKind[] = [
	{ name: 'images', what: 'image', again: 'made again', form: 'entries' },
	{ name: 'builds', what: 'build', again: 'built again', form: 'folders', locks: (name) => [`build-${name}`] },
	{ name: 'probe', what: 'notes', again: 'tried again', form: 'files' },
];

/**
 * What the processes of these tests share: entries whose files follow from their ids, so that anybody can tell whether
 * one is whole.
 */
const SHARED = `
	import { mkdir, readFile, writeFile } from 'node:fs/promises';
	import { join } from 'node:path';
	import { setTimeout as sleep } from 'node:timers/promises';
	const source = ${JSON.stringify(new URL('../../src/', import.meta.url).href)};
	const { Cache } = await import(source + 'core/cache.js');
	const { Progress } = await import(source + 'core/progress.js');
	const cache = new Cache(process.argv[1]);
	const progress = new Progress('child', new AbortController().signal);
	const say = (text) => process.stdout.write(text + '\\n');
	const FILES = 5;
	const textOf = (id, file) => (id + ' ' + file + '\\n').repeat(2000);
	const fill = async (id, directory, pauseMs) => {
		await mkdir(join(directory, 'below'));
		for (let file = 0; file < FILES; file++) {
			await writeFile(join(directory, 'below', String(file)), textOf(id, file));
			if (pauseMs > 0) await sleep(pauseMs);
		}
		return { id };
	};
	const check = async (id, entry) => {
		if (entry.info.id !== id) throw new Error('not the entry that was asked for');
		for (let file = 0; file < FILES; file++) {
			const text = await readFile(join(entry.path, 'below', String(file)), 'utf8');
			if (text !== textOf(id, file)) throw new Error(id + ' is not whole');
		}
	};
	const use = async (id, pauseMs = 0) => {
		let made = false;
		const entry = await cache.entry('images', id, progress, (directory) => {
			made = true;
			return fill(id, directory, pauseMs);
		});
		await check(id, entry);
		return { made, entry };
	};
`;

function start(root: string, code: string): ChildProcess & { said: () => string; ended: Promise<number> } {
	const child = spawn(process.execPath, ['--input-type=module', '--eval', SHARED + code, root], {
		stdio: ['pipe', 'pipe', 'pipe'],
	});
	let said = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	const ended = once(child, 'close').then(([status]) => (typeof status === 'number' ? status : -1));
	return Object.assign(child, { said: () => said, ended });
}

async function until(child: ReturnType<typeof start>, pattern: RegExp): Promise<void> {
	while (!pattern.test(child.said())) {
		if (child.exitCode !== null) throw new Error(`ended too early: ${child.said()}`);
		await sleep(5);
	}
}

/** An entry whose one file has so many bytes. */
function put(cache: Cache, id: string, bytes = 1000): Promise<CacheEntry> {
	return cache.entry('images', id, quiet, async (directory) =>
		writeFileSync(join(directory, 'file'), id.repeat(bytes)),
	);
}

function age(path: string, hours: number): void {
	const time = Date.now() / 1000 - hours * 3600;
	utimesSync(path, time, time);
}

const ids = (cache: Cache) => readdirSync(join(cache.root, 'images')).sort();

/** What pruning does: everything goes that may. @returns what stays, and why */
async function removeAll(cache: Cache): Promise<string[]> {
	const users = await OtherUsers.of(cache.root);
	const stays: string[] = [];
	for (const one of await listHoldings(cache, KINDS, quiet)) {
		const why = await removeHolding(cache, one, users, signal);
		if (why !== undefined) stays.push(`${one.name}: ${why}`);
	}
	return stays;
}

t.test('an entry is made once, handed out whole, and made again when it is damaged', async (t) => {
	const notes: ProgressEvent[] = [];
	const cache = new Cache(join(t.testdir(), 'cache'));
	const progress = new Progress('test', signal, (event) => notes.push(event));
	let made = 0;
	const get = () =>
		cache.entry('images', 'a', progress, async (directory) => {
			made++;
			mkdirSync(join(directory, 'below'));
			writeFileSync(join(directory, 'below', 'file'), 'text');
			return made;
		});
	t.equal(await cache.lookup('images', 'a'), undefined);
	t.equal((await Promise.all([get(), get(), get()])).length, 3);
	t.equal(made, 1);
	const { path } = await get();
	const damage: readonly [what: string, harm: () => void, said: RegExp][] = [
		['cut short', () => truncateSync(join(path, 'below', 'file'), 1), /below\/file is not what was stored \(sha256/],
		['gone', () => unlinkSync(join(path, 'below', 'file')), /below\/file is missing/],
		['no manifest', () => unlinkSync(join(path, 'entry.json')), /entry\.json cannot be read/],
		['an empty manifest', () => truncateSync(join(path, 'entry.json'), 0), /entry\.json cannot be read/],
		['another manifest', () => writeFileSync(join(path, 'entry.json'), '{"files":[]}'), /entry\.json cannot be read/],
	];
	for (const [what, harm, said] of damage) {
		harm();
		notes.length = 0;
		const before = made;
		t.equal((await get()).info, before + 1, what);
		t.match(notes.at(-1)?.detail, said);
	}
	writeFileSync(join(path, 'below', 'file'), 'harm');
	t.match(await cache.removeDamaged('images', 'a', quiet), /is not what was stored/);
	t.equal(await cache.removeDamaged('images', 'a', quiet), undefined, 'there is none now');
	await get();
	t.equal(await cache.removeDamaged('images', 'a', quiet), undefined, 'it is sound');
	await t.rejects(
		cache.entry('images', 'b', quiet, async () => Promise.reject(new Error('cannot fill'))),
		/cannot fill/,
	);
	t.same(readdirSync(join(cache.root, 'tmp')), [], 'nothing is left of what could not be made');
	t.same(await cache.ids('images'), ['a']);
});

t.test('an entry may say nothing of itself', async (t) => {
	const cache = new Cache(join(t.testdir(), 'cache'));
	await put(cache, 'a');
	t.match(await cache.lookup('images', 'a'), { info: undefined });
	t.equal(await cache.removeDamaged('images', 'a', quiet), undefined);
});

t.test('keepWithin: the entries used longest ago go until the rest fits', async (t) => {
	const cache = new Cache(join(t.testdir(), 'cache'));
	for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
		const { path } = await put(cache, id, 100_000);
		age(path, 10 - index);
	}
	await cache.keepWithin('images', { maxBytes: 1e9 });
	t.same(ids(cache), ['a', 'b', 'c', 'd']);
	await cache.keepWithin('images', { maxBytes: 250_000 });
	t.same(ids(cache), ['c', 'd']);
	const prunes = tryLock(join(cache.root, 'locks', 'prune'));
	await cache.keepWithin('images', { maxBytes: 0 });
	t.same(ids(cache), ['c', 'd'], 'somebody else prunes');
	await prunes?.release();
	const makes = tryLock(join(cache.root, 'locks', 'images-c'));
	await cache.keepWithin('images', { maxBytes: 0 });
	t.same(ids(cache), ['c'], 'what is being made stays');
	await makes?.release();
	await cache.lookup('images', 'c');
	await cache.keepWithin('images', { maxBytes: 0, freeShare: 0 });
	t.same(ids(cache), ['c'], 'what was used just now stays');
	age(join(cache.root, 'images', 'c'), 1);
	await cache.keepWithin('images', { maxBytes: 1e9, freeShare: 0 });
	t.same(ids(cache), [], 'no more than a share of the free room');
});

t.test('what is used while it is looked at is put back', async (t) => {
	const cache = new Cache(join(t.testdir(), 'cache'));
	const { path } = await put(cache, 'a');
	const seenAt = statSync(path).mtime;
	let looks = 0;
	const usedAt = async () => new Date(seenAt.getTime() + (looks++ > 0 ? 1 : 0));
	t.match(await evict(cache.root, path, { seenAt, locks: [], usedAt }), /used just now/);
	t.ok(await cache.lookup('images', 'a'));
	t.match(await evict(cache.root, path, { seenAt: new Date(0), locks: [] }), /used just now/);
	t.equal(await evict(cache.root, path, { seenAt: new Date(), locks: ['images-a'] }), undefined);
	t.equal(await cache.lookup('images', 'a'), undefined);
	t.equal(await evict(cache.root, path, { seenAt, locks: [] }), undefined, 'gone already');
	t.same(readdirSync(join(cache.root, 'tmp')), []);
});

t.test('locks: one holder, given back with the process, their files can be removed', async (t) => {
	const root = t.testdir();
	const path = join(root, 'locks', 'a');
	const first = await acquireLock(path);
	t.equal(tryLock(path), undefined);
	let told = 0;
	const order: string[] = [];
	const second = acquireLock(path, undefined, () => told++).then((lock) => {
		order.push('second');
		return lock;
	});
	await sleep(700);
	t.equal(told, 1, 'who waits is told');
	// Its file is removed while somebody holds it and somebody waits: the next one makes another, and there is still one holder.
	unlinkSync(path);
	order.push('release');
	await first.release();
	await first.release();
	const lock = await second;
	t.same(order, ['release', 'second']);
	t.equal(tryLock(path), undefined, 'the lock that is held is that of the file that is there');
	const stop = new AbortController();
	const never = acquireLock(path, stop.signal);
	setTimeout(() => stop.abort(new Error('stopped')), 50);
	await t.rejects(never, /stopped/);
	await lock.release();
	t.equal(await withLock(path, async () => 'done'), 'done');

	const holder = start(
		root,
		`const { acquireLock } = await import(source + 'core/lock.js');
		await acquireLock(${JSON.stringify(path)});
		say('held');
		await sleep(60_000);`,
	);
	await until(holder, /held/);
	t.equal(tryLock(path), undefined);
	holder.kill('SIGKILL');
	await holder.ended;
	const free = tryLock(path);
	t.ok(free, 'SIGKILL gives it back');
	await free?.release();

	const cache = new Cache(root);
	const held = tryLock(join(root, 'locks', 'held'));
	writeFileSync(join(root, 'locks', 'prune'), '');
	writeFileSync(join(root, 'locks', 'young'), '');
	for (const name of ['a', 'held', 'prune']) age(join(root, 'locks', name), 25);
	t.equal(await removeOldLocks(cache, signal), 1);
	t.same(readdirSync(join(root, 'locks')).sort(), ['held', 'prune', 'young']);
	await held?.release();
});

t.test('what a process uses that still runs stays; what a killed one left goes', async (t) => {
	const cache = new Cache(join(t.testdir(), 'cache'));
	await put(cache, 'old');
	await put(cache, 'shared');
	for (const id of ['old', 'shared']) age(join(cache.root, 'images', id), 2);
	mkdirSync(join(cache.root, 'builds', 'busy'), { recursive: true });
	mkdirSync(join(cache.root, 'builds', 'idle'));
	for (const name of ['busy', 'idle']) age(join(cache.root, 'builds', name), 2);
	mkdirSync(join(cache.root, 'probe'));
	writeFileSync(join(cache.root, 'probe', 'old'), '');
	age(join(cache.root, 'probe', 'old'), 2);
	mkdirSync(join(cache.root, 'tmp', 'images-of-somebody-gone'), { recursive: true });
	// A file's time of birth is not younger than its process: the margin for clocks must have passed.
	await sleep(1200);

	const user = start(
		cache.root,
		`await cache.lookup('images', 'shared', progress);
		await use('own');
		const { acquireLock } = await import(source + 'core/lock.js');
		await acquireLock(cache.workPath('locks', 'build-busy'));
		await writeFile(cache.workPath('probe', 'new'), '');
		await cache.entry('images', 'endless', progress, async (directory) => {
			await writeFile(join(directory, 'file'), '');
			say('ready');
			await sleep(60_000);
		});`,
	);
	await until(user, /ready/);
	const users = await OtherUsers.of(cache.root);
	t.same(users.pids, [user.pid]);
	const stays = await removeAll(cache);
	t.same(stays.map((text) => text.split(':')[0]).sort(), ['busy', 'own', 'probe', 'shared']);
	t.match(
		stays.find((text) => text.startsWith('own')),
		new RegExp(`used since process ${user.pid} began`),
	);
	t.match(
		stays.find((text) => text.startsWith('busy')),
		/being worked on/,
	);
	t.same(ids(cache), ['own', 'shared']);
	t.same(readdirSync(join(cache.root, 'probe')), ['new']);
	const leftovers = await listLeftovers(cache, users, signal);
	t.same(
		leftovers.map(({ name, stale }) => `${name.replace(/-[0-9a-f]{8}-.*/, '')} ${stale}`).sort(),
		['images false', 'images-of-somebody-gone true'],
		'unfinished work of a living process is no leftover',
	);

	user.kill('SIGKILL');
	await user.ended;
	const after = await OtherUsers.of(cache.root);
	t.same(after.pids, []);
	t.equal(readdirSync(join(cache.root, 'users')).length, 1, 'ours alone is left');
	const stale = await listLeftovers(cache, after, signal);
	t.ok(stale.every((one) => one.stale));
	for (const one of stale) await removeLeftover(one);
	t.same(readdirSync(join(cache.root, 'tmp')), []);
	t.same(await removeAll(cache), []);
	t.same(ids(cache), []);
	t.equal(cache.workPath('x'), join(cache.root, 'x'));
});

t.test('killed at 20 random moments while it fills: never half an entry', async (t) => {
	const cache = new Cache(join(t.testdir(), 'cache'));
	let kept = 0;
	for (let round = 0; round < 5; round++) {
		// Four at a time: those that are killed leave the others waiting for what they were making.
		const children = Array.from({ length: 4 }, () =>
			start(
				cache.root,
				`say('ready');
				for (let i = 0; i < 1000; i++) {
					const { made } = await use('entry-' + (i % 60), i % 3);
					say((made ? 'made ' : 'used ') + i);
				}`,
			),
		);
		for (const child of children) {
			await until(child, /ready/);
			const delayMs = randomInt(1, 150);
			await sleep(delayMs);
			child.kill('SIGKILL');
			await child.ended;
			t.notMatch(child.said(), /Error|whole/, `killed ${delayMs} ms after it began`);
		}
		kept = (await cache.ids('images')).length;
		for (const id of await cache.ids('images')) {
			const why = await cache.removeDamaged('images', id, quiet);
			if (why !== undefined) t.fail(`${id}: ${why}`);
		}
	}
	t.ok(kept > 0, `${kept} entries were made`);
	const leftovers = await listLeftovers(cache, await OtherUsers.of(cache.root), signal);
	t.ok(
		leftovers.every(({ stale }) => stale),
		`${leftovers.length} leftovers, none of a living process`,
	);
	// All locks are free again: what was being made can be made.
	const last = start(cache.root, `for (let i = 0; i < 60; i++) await use('entry-' + i); say('sound');`);
	t.equal(await last.ended, 0, last.said());
	t.match(last.said(), /sound/);
});

t.test('processes that end while others look who is there', async (t) => {
	const cache = new Cache(join(t.testdir(), 'cache'));
	const ending = start(
		cache.root,
		`const { closeSync, mkdirSync, openSync, rmSync } = await import('node:fs');
		const { tryLockDescriptor } = await import(source + 'core/lock.js');
		mkdirSync(cache.root + '/users', { recursive: true });
		for (let i = 0; i < 300; i++) {
			const file = cache.root + '/users/1-' + i;
			const descriptor = openSync(file, 'wx');
			tryLockDescriptor(descriptor);
			await sleep(2);
			rmSync(file, { force: true });
			closeSync(descriptor);
		}`,
	);
	let [over, looks, seen] = [false, 0, 0];
	ending.ended.then(() => {
		over = true;
	});
	for (; !over; looks++) {
		const others = await OtherUsers.of(cache.root);
		if (others.pids.length > 0) seen++;
		if (others.pids.length > 0 !== Number.isFinite(others.sinceMs)) t.fail('a process of no time');
		await sleep(0);
	}
	t.equal(await ending.ended, 0, ending.said());
	t.ok(seen > 0, `seen in ${seen} of ${looks} looks`);
});

const ENTRIES = 100;

t.test('processes that fill, use, prune and verify one cache at once', async (t) => {
	const cache = new Cache(join(t.testdir(), 'cache'));
	const filler = start(cache.root, `for (let i = 0; i < ${ENTRIES}; i++) await use('entry-' + i);`);
	t.equal(await filler.ended, 0, filler.said());
	// As if they had not been used for long: they are pruned while others look them up.
	for (const id of ids(cache)) age(join(cache.root, 'images', id), 2);
	const endMs = Date.now() + 6000;
	let [uses, made] = [0, 0];
	const user = async () => {
		while (Date.now() < endMs) {
			const child = start(
				cache.root,
				`for (let i = 0; i < 30; i++) {
					const id = 'entry-' + Math.floor(Math.random() * ${ENTRIES});
					const { made, entry } = await use(id);
					await sleep(Math.random() * 10);
					await check(id, entry);
					say(made ? 'made' : 'used');
				}`,
			);
			const status = await child.ended;
			if (status !== 0) t.fail(`a user ended with ${status}: ${child.said()}`);
			uses += child.said().split('used').length - 1;
			made += child.said().split('made').length - 1;
		}
	};
	const script = (body: string) =>
		start(
			cache.root,
			`const { OtherUsers } = await import(source + 'core/cache-users.js');
			const { listHoldings, removeHolding } = await import(source + 'core/holding.js');
			const { pruneLock } = await import(source + 'core/cache.js');
			const { withLock } = await import(source + 'core/lock.js');
			const kinds = [{ name: 'images', what: 'image', again: '', form: 'entries' }];
			let count = 0;
			do {
				${body}
				await sleep(5);
			} while (Date.now() < ${endMs});
			say('count ' + count);`,
		);
	const pruner = script(`
		await withLock(pruneLock(cache.root), async () => {
			const holdings = await listHoldings(cache, kinds, progress);
			const users = await OtherUsers.of(cache.root);
			for (const one of holdings) {
				if ((await removeHolding(cache, one, users, progress.signal)) === undefined) count++;
			}
		});`);
	const bounder = script(`await cache.keepWithin('images', { maxBytes: 0 });`);
	const verifier = script(`
		for (const id of await cache.ids('images')) {
			const why = await cache.removeDamaged('images', id, progress);
			if (why !== undefined) throw new Error(id + ': ' + why);
			count++;
		}`);
	await Promise.all([user(), user()]);
	for (const [name, child] of Object.entries({ pruner, bounder, verifier })) {
		t.equal(await child.ended, 0, `${name}: ${child.said()}`);
	}
	const pruned = Number(/count (\d+)/.exec(pruner.said())?.[1]);
	t.comment(`${made} made, ${uses} used, ${pruned} pruned, verified: ${verifier.said().trim()}`);
	t.ok(made > 0 && uses > 0 && pruned > 0, 'all of them had something to do');
	t.same(existsSync(join(cache.root, 'tmp')) ? readdirSync(join(cache.root, 'tmp')) : [], []);
	for (const id of await cache.ids('images')) t.equal(await cache.removeDamaged('images', id, quiet), undefined);
});

t.test('sizes, written and read', (t) => {
	const written: readonly [number, string][] = [
		[0, '0 bytes'],
		[999, '999 bytes'],
		[1000, '1.0 KiB'],
		[1536, '1.5 KiB'],
		[10 * 2 ** 20, '10 MiB'],
		[1023 * 2 ** 20, '1.0 GiB'],
		[5 * 2 ** 40, '5.0 TiB'],
		[5000 * 2 ** 40, '5000 TiB'],
	];
	for (const [bytes, text] of written) t.equal(formatBytes(bytes), text);
	const read: readonly [string, number | undefined][] = [
		['10G', 10 * 2 ** 30],
		['500m', 500 * 2 ** 20],
		['1.5GiB', 1.5 * 2 ** 30],
		['4 KB', 4096],
		['17', 17],
		['0', 0],
		['', undefined],
		['G', undefined],
		['-1G', undefined],
		['1X', undefined],
		['1e9', undefined],
	];
	for (const [text, bytes] of read) t.equal(parseBytes(text), bytes, text);
	t.end();
});

t.test('a folder that cannot be the cache is said at once, where it is asked for anything', async (t) => {
	const file = join(t.testdir({ file: 'text' }), 'file');
	// Below /proc no folder can be made, and the system says that the one above is not there.
	for (const root of ['/proc/none/fencepost', join(file, 'fencepost'), file]) {
		const refused = { code: 'CACHE_UNWRITABLE', hint: /XDG_CACHE_HOME/ };
		t.throws(() => new Cache(root).workPath('locks'), refused, root);
		await t.rejects(
			new Cache(root).entry('images', 'a', quiet, async () => {}),
			refused,
			root,
		);
	}
});
