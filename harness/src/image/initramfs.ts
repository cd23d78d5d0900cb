// SPDX-License-Identifier: MIT
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { infrastructureError, messageOf } from '../core/errors.js';
import { contentId, sha256File } from '../core/hash.js';
import { run } from '../core/process.js';
import type { Progress } from '../core/progress.js';
import { type CpioEntry, cpioArchive } from './cpio.js';

/** A file of the host that goes into a guest. */
export interface GuestFile {
	/** Absolute path in the guest. */
	readonly guestPath: string;
	readonly hostPath: string;
	/** Permissions; 0o644 by default. */
	readonly mode?: number;
}

export interface InitramfsOptions {
	readonly arch: Arch;
	readonly agent: { readonly path: string };
	readonly suites: readonly { readonly name: string; readonly path: string }[];
	/** Kernel modules as files, .ko or compressed (.ko.xz, .ko.zst, .ko.gz); loaded only when `fencepost.modules=` names them. */
	readonly modules?: readonly string[];
	readonly extraFiles?: readonly GuestFile[];
	readonly cache: Cache;
	readonly progress: Progress;
}

export interface Initramfs {
	/** The file for QEMU's -initrd: a cpio archive, not compressed. */
	readonly path: string;
	/** Hash of all that is in it. */
	readonly id: string;
}

/** Where things are in a guest: the agent and the run room go by these. */
export const GUEST_PATHS = { agent: '/init', suites: '/suites', modules: '/modules', programs: '/programs' } as const;

const IMAGE = 'initramfs.cpio';

/** Raised when the layout changes for the same files. */
const LAYOUT = '2';

/** Before the agent mounts devtmpfs, the kernel opens /dev/console for it; the directories are mount points. */
const SKELETON: readonly CpioEntry[] = [
	...['dev', 'proc', 'sys', 'tmp', 'suites', 'modules', 'programs'].map(
		(path): CpioEntry => ({ kind: 'directory', path }),
	),
	{ kind: 'character', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
	{ kind: 'character', path: 'dev/null', mode: 0o666, major: 1, minor: 3 },
];

/**
 * The initramfs of a guest, from the cache or written now: /init (the agent), /suites/NAME, /modules/NAME.ko,
 * /programs (empty), and what else is given. What has several names is a file by the first, and links by the others.
 * The same files give the same bytes. Not compressed: an emulated
 * processor took 20 (gzip) to 40 ms (zstd) longer to unpack a megabyte than to copy it.
 * @throws FencepostError INITRAMFS_FILE when a file cannot be read or decompressed, ARCHIVE_ENTRY when two meet at one path.
 */
export async function buildInitramfs(options: InitramfsOptions): Promise<Initramfs> {
	const files: GuestFile[] = [
		{ guestPath: GUEST_PATHS.agent, hostPath: options.agent.path, mode: 0o755 },
		...options.suites.map(({ name, path }) => ({
			guestPath: `${GUEST_PATHS.suites}/${name}`,
			hostPath: path,
			mode: 0o755,
		})),
		...(options.modules ?? []).map((path) => ({
			guestPath: `${GUEST_PATHS.modules}/${moduleName(path)}.ko`,
			hostPath: path,
		})),
		...(options.extraFiles ?? []),
	];
	const parts = await Promise.all(
		files.map(async ({ guestPath, hostPath, mode }, index) => {
			const hash = await sha256File(hostPath).catch((cause) => {
				throw infrastructureError('INITRAMFS_FILE', `cannot read ${hostPath}: ${messageOf(cause)}`, { cause });
			});
			return [String(index), JSON.stringify([guestPath, basename(hostPath), mode ?? 0o644, hash])] as const;
		}),
	);
	const id = contentId({ layout: LAYOUT, arch: options.arch, ...Object.fromEntries(parts) });
	const entry = await options.cache.entry('images', id, options.progress, async (directory) => {
		const entries: CpioEntry[] = [...SKELETON];
		const places = new Map<string, string>();
		for (const { guestPath, hostPath, mode } of files) {
			const target = places.get(hostPath);
			if (target !== undefined) {
				entries.push({ kind: 'symlink', path: guestPath, target });
				continue;
			}
			places.set(hostPath, guestPath);
			const data = await readPlain(hostPath, directory, options.progress.signal);
			entries.push({ kind: 'file', path: guestPath, mode: mode ?? 0o644, data });
		}
		await writeFile(join(directory, IMAGE), cpioArchive(entries));
		return { arch: options.arch, files: files.map(({ guestPath }) => guestPath) };
	});
	return { path: join(entry.path, IMAGE), id };
}

/** `udmabuf` of `…/udmabuf.ko.xz`. */
function moduleName(path: string): string {
	return basename(path).replace(/\.ko(\.(xz|zst|gz))?$/, '');
}

/** A file's contents; modules are decompressed, since not every kernel can do that itself. */
async function readPlain(path: string, scratch: string, signal: AbortSignal): Promise<Buffer> {
	const match = /\.ko\.(xz|zst|gz)$/.exec(path);
	if (!match) return readFile(path);
	if (match[1] === 'gz') return gunzipSync(await readFile(path));
	const [command, packageName] = match[1] === 'xz' ? ['xz', 'xz-utils'] : ['zstd', 'zstd'];
	const copy = join(scratch, basename(path));
	const plain = copy.replace(/\.[^.]+$/, '');
	try {
		await copyFile(path, copy);
		await run(command, ['-q', '-d', '-f', copy], { signal, package: packageName });
		return await readFile(plain);
	} catch (cause) {
		signal.throwIfAborted();
		throw infrastructureError('INITRAMFS_FILE', `cannot decompress ${path}: ${messageOf(cause)}`, { cause });
	} finally {
		await rm(copy, { force: true });
		await rm(plain, { force: true });
	}
}
