// SPDX-License-Identifier: MIT
import { mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ARCHITECTURES, type Arch, hostArch, toolPrefix } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { infrastructureError } from '../core/errors.js';
import { contentId, sha256, sha256File } from '../core/hash.js';
import { run } from '../core/process.js';
import type { Progress } from '../core/progress.js';

/** Fetches a Debian package and verifies it; resolves to the .deb's path. */
export type FetchPackage = (name: string, debianArch: string) => Promise<string>;

/** What C programs of a guest are compiled with: the host's gcc, musl's headers and library, the kernel's headers. */
export interface Toolchain {
	readonly arch: Arch;
	readonly compiler: string;
	/** Debian package of the compiler, for messages. */
	readonly compilerPackage: string;
	/** Holds `musl/include`, `musl/lib` and `uapi`. */
	readonly directory: string;
	/** Entry of the cache; differs with musl's and the kernel headers' versions, not with the compiler's. */
	readonly id: string;
}

/** Raised when the layout of the folder changes. */
const LAYOUT = '1';

/** Folders of the kernel's user-space headers that are taken, where there. */
const UAPI_FOLDERS = ['linux', 'asm', 'asm-generic', 'drm', 'misc', 'mtd', 'sound', 'video'] as const;

const infoSchema = z.object({ arch: z.string(), uapi: z.string(), musl: z.string() });

/**
 * The toolchain of an architecture: one that the cache holds, newest first, or else one made from the package
 * musl-dev, which is fetched then. The files of one that is there are not verified: `verifyToolchain` before use.
 */
export async function ensureToolchain(
	cache: Cache,
	arch: Arch,
	fetchPackage: FetchPackage,
	progress: Progress,
): Promise<Toolchain> {
	const headers = await findUapi(arch);
	for (const entry of await cache.list('toolchain')) {
		const info = infoSchema.safeParse(entry.info);
		if (info.success && info.data.arch === arch && info.data.uapi === headers.identity) {
			return toolchain(arch, entry.path, entry.id);
		}
	}
	return progress.phase('C library', async () => {
		const deb = await fetchPackage('musl-dev', ARCHITECTURES[arch].debian);
		const musl = await sha256File(deb);
		const id = contentId({ layout: LAYOUT, arch, musl, uapi: headers.identity });
		const entry = await cache.entry('toolchain', id, progress, async (directory) => {
			await extractMusl(deb, arch, directory, progress.signal);
			await mkdir(join(directory, 'uapi'));
			for (const [name, target] of headers.folders) await symlink(target, join(directory, 'uapi', name));
			return { arch, uapi: headers.identity, musl } satisfies z.infer<typeof infoSchema>;
		});
		return toolchain(arch, entry.path, id);
	});
}

/** Checks the files of a toolchain; false when they were damaged, and are gone from the cache now. */
export async function verifyToolchain(cache: Cache, { id }: Toolchain, progress: Progress): Promise<boolean> {
	return (await cache.lookup('toolchain', id, progress)) !== undefined;
}

function toolchain(arch: Arch, directory: string, id: string): Toolchain {
	const compiler = `${toolPrefix(arch)}gcc`;
	const compilerPackage = arch === hostArch ? 'gcc' : ARCHITECTURES[arch].crossCompilerPackage;
	return { arch, compiler, compilerPackage, directory, id };
}

/** musl-dev keeps its headers in usr/include/TRIPLET and its libraries in usr/lib/TRIPLET. */
async function extractMusl(deb: string, arch: Arch, directory: string, signal: AbortSignal): Promise<void> {
	const unpacked = join(directory, 'unpacked');
	await run('dpkg-deb', ['--extract', deb, unpacked], { signal, package: 'dpkg' });
	const triplet = ARCHITECTURES[arch].crossPrefix.replace(/gnu-$/, 'musl');
	await mkdir(join(directory, 'musl'));
	for (const part of ['include', 'lib']) {
		await rename(join(unpacked, 'usr', part, triplet), join(directory, 'musl', part)).catch((cause) => {
			throw infrastructureError('TOOLCHAIN_PACKAGE', `${deb} holds no usr/${part}/${triplet}`, { cause });
		});
	}
	await rm(unpacked, { recursive: true });
}

/** Where the host keeps the kernel's user-space headers for `arch`, and which version they are. */
async function findUapi(arch: Arch): Promise<{ identity: string; folders: ReadonlyMap<string, string> }> {
	const triplet = ARCHITECTURES[arch].crossPrefix.replace(/-$/, '');
	const root = arch === hostArch ? '/usr/include' : `/usr/${triplet}/include`;
	const version = await readFile(join(root, 'linux/version.h'), 'utf8').catch((cause) => {
		const name = arch === hostArch ? 'linux-libc-dev' : `linux-libc-dev-${ARCHITECTURES[arch].debian}-cross`;
		throw infrastructureError('HEADERS_MISSING', `no kernel headers for ${arch} programs in ${root}`, {
			hint: `install the package ${name}, or run: npm run setup`,
			cause,
		});
	});
	const folders = new Map<string, string>(UAPI_FOLDERS.map((name) => [name, join(root, name)]));
	if (arch === hostArch) folders.set('asm', join(root, triplet, 'asm'));
	return { identity: sha256(`${root}\n${version}`), folders };
}
