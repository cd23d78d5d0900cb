// SPDX-License-Identifier: MIT
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Cache } from '../core/cache.js';
import { infrastructureError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { withLock } from '../core/lock.js';
import { run } from '../core/process.js';
import type { Progress } from '../core/progress.js';
import { withRoomFor } from './disk-full.js';
import { unpackPackage } from './package-store.js';
import { withWorkFolder } from './work-folder.js';

const STAMP = z.object({ debSha256: z.string(), listing: z.string() });

/** GNU tar's record: what one step of --checkpoint counts. */
const TAR_RECORD_BYTES = 10240;

/** Digest over path, size and time of every file below a folder: any change by hand, and most by accident, shows. */
export async function listingDigest(directory: string, signal: AbortSignal): Promise<string> {
	const { stdout } = await run('find', [directory, '-type', 'f,l', '-printf', '%P\t%s\t%T@\n'], {
		signal,
		package: 'findutils',
	});
	return sha256(stdout.split('\n').sort().join('\n'));
}

/**
 * The unpacked kernel source of a linux-source package, never written to. It is checked against its stamp
 * each time, and unpacked again when it is not what was unpacked.
 * @param fetchDeb is called for the package only when the source must be unpacked.
 */
export async function pristineSource(
	name: string,
	debSha256: string,
	fetchDeb: () => Promise<string>,
	cache: Cache,
	progress: Progress,
): Promise<string> {
	const id = `${name}-${debSha256.slice(0, 12)}`;
	const directory = cache.workPath('sources', id);
	const stampFile = cache.workPath('sources', `${id}.json`);
	return withLock(
		cache.workPath('locks', `source-${id}`),
		async () => {
			const stamp = STAMP.safeParse(await readJson(stampFile));
			if (stamp.success && stamp.data.debSha256 === debSha256) {
				const listing = await listingDigest(directory, progress.signal).catch(() => 'missing');
				progress.signal.throwIfAborted();
				if (listing === stamp.data.listing) {
					await cache.touch('sources', id);
					return directory;
				}
				progress.note(`the unpacked source ${id} is not as it was unpacked: unpacking it again`);
			}
			const deb = await fetchDeb();
			await progress.phase('unpack', (update) =>
				withRoomFor(cache.root, () => unpackSource(deb, directory, cache, progress.signal, update)),
			);
			const listing = await listingDigest(directory, progress.signal);
			await writeFile(stampFile, JSON.stringify({ debSha256, listing } satisfies z.infer<typeof STAMP>));
			return directory;
		},
		progress.signal,
		() => progress.note(`waiting for another run that unpacks ${id}`),
	);
}

async function readJson(path: string): Promise<unknown> {
	try {
		return JSON.parse(await readFile(path, 'utf8'));
	} catch {
		return undefined;
	}
}

async function unpackSource(
	deb: string,
	directory: string,
	cache: Cache,
	signal: AbortSignal,
	update: (detail?: string, fraction?: number) => void,
): Promise<void> {
	await withWorkFolder(cache, 'source', async (temporary) => {
		const [package_, tree] = [join(temporary, 'package'), join(temporary, 'tree')];
		await mkdir(package_, { recursive: true });
		await mkdir(tree);
		await unpackPackage(deb, package_, signal);
		const folder = join(package_, 'usr', 'src');
		const archive = (await readdir(folder)).find((file) => /^linux-source-.*\.tar\.xz$/.test(file));
		if (!archive) throw infrastructureError('SOURCE_MISSING', `no linux-source archive in ${deb}`);
		const bytes = await uncompressedBytes(join(folder, archive), signal);
		await run(
			'tar',
			[
				...['--extract', '--xz', '--strip-components=1', '--directory', tree, '--file', join(folder, archive)],
				...['--checkpoint=1000', '--checkpoint-action=echo=at %u'],
			],
			{
				signal,
				package: 'tar',
				onLine: (line) => {
					const records = /at (\d+)$/.exec(line)?.[1];
					if (records && bytes > 0) update(undefined, Math.min(1, (Number(records) * TAR_RECORD_BYTES) / bytes));
				},
			},
		);
		await rm(directory, { recursive: true, force: true });
		await mkdir(cache.workPath('sources'), { recursive: true });
		await rename(tree, directory);
	});
}

/** Size that an .xz file unpacks to, from its own index (xz(1), --robot). */
async function uncompressedBytes(archive: string, signal: AbortSignal): Promise<number> {
	const { stdout } = await run('xz', ['--robot', '--list', archive], { signal, package: 'xz-utils' });
	const totals = stdout.split('\n').find((line) => line.startsWith('totals\t'));
	return Number(totals?.split('\t')[4] ?? 0) || 0;
}
