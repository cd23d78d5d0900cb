// SPDX-License-Identifier: MIT
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ARCHITECTURES, type Arch, hostArch } from '../core/architectures.js';
import { infrastructureError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import type { PrivateApt } from './apt.js';
import type { PackageRecord } from './apt-index.js';
import { touchBuild } from './build-use.js';
import { adaptToCompiler } from './compiler-options.js';
import { compareDebianVersions } from './debian-version.js';
import { withRoomFor } from './disk-full.js';
import { isLibrary, runWithLibraries, TOOL_LIBRARIES } from './foreign-tools.js';
import { fetchPackage, unpackPackage } from './package-store.js';
import { BUILT_MARK, isBuiltIn } from './published.js';
import { withBuildLock } from './recipe.js';
import type { KernelContext } from './resolve.js';
import { exactly, findExactly, findStockSiblings, type StockPackage } from './stock-packages.js';
import { findToolchain } from './toolchain.js';
import { withWorkFolder } from './work-folder.js';

/** Changes when what is made of the packages changes. */
const HEADERS_VERSION = '1';

/** A stock kernel, as far as its headers go. */
export interface StockKernel {
	readonly id: string;
	readonly arch: Arch;
	readonly release: string;
	readonly stock: StockPackage;
}

/**
 * A folder to build modules in against a stock kernel, made of its linux-headers packages (some 20 MB to download): laid
 * out as the build folder of a kernel that was built here, with its `source` inside.
 * @returns its path, among the cache's build folders
 * @throws FencepostError: a package is gone, or no compiler is here
 */
export async function stockBuildFolder(kernel: StockKernel, context: KernelContext): Promise<string> {
	const { cache, progress } = context;
	const toolchain = await findToolchain(kernel.arch, progress.signal);
	const id = contentId({ kernel: kernel.id, toolchain: toolchain.version, version: HEADERS_VERSION });
	const name = `debian-${kernel.release}-${id.slice(0, 12)}`;
	const folder = cache.workPath('builds', name);
	if (await isBuiltIn(folder, kernel.id)) {
		await touchBuild(cache, name);
		return folder;
	}
	const makeIt = async () => {
		if (await isBuiltIn(folder, kernel.id)) return;
		await withWorkFolder(cache, 'headers', async (unpacked) => {
			await withRoomFor(cache.root, async () => {
				const names = await unpackHeaders(kernel, unpacked, context);
				const tree = await layOut(unpacked, names);
				await adaptToCompiler(tree, `${toolchain.prefix}gcc`, progress.signal);
				await writeFile(join(tree, BUILT_MARK), kernel.id);
				await mkdir(dirname(folder), { recursive: true });
				await rm(folder, { recursive: true, force: true });
				await rename(tree, folder);
			});
		});
	};
	await withBuildLock(name, makeIt, cache, progress);
	return folder;
}

/** What a stock kernel's results say of what modules were built against. */
export function headersProvenance(release: string, version: string): string {
	return `modules are built against ${flavourOf(release)} ${version}`;
}

const flavourOf = (release: string) => `linux-headers-${release}`;

/** Folders that the packages bring. */
interface HeaderFolders {
	/** Below /usr/src: of this flavour of kernel, and of what all flavours share. */
	readonly flavour: string;
	readonly common: string;
	/** Below /usr/lib: kbuild's scripts and programs. */
	readonly kbuild: string;
}

/** Downloads and unpacks what holds a stock kernel's headers. The packages lead to each other only by paths within. */
async function unpackHeaders(kernel: StockKernel, unpacked: string, context: KernelContext): Promise<HeaderFolders> {
	const { cache, progress } = context;
	const unpack = async (apt: PrivateApt, record: PackageRecord) => {
		const deb = await fetchPackage(apt, record, cache, progress);
		await progress.phase('unpack', () => unpackPackage(deb, unpacked, progress.signal), record.name);
	};
	const flavour = flavourOf(kernel.release);
	const found = await findStockSiblings(kernel, kernel.stock, [flavour], context);
	const [headers] = found?.records ?? [];
	if (!found || !headers) throw gone(flavour, kernel.stock.version);
	await unpack(found.apt, headers);
	const { common, kbuild } = await namesWithin(join(unpacked, 'usr', 'src', flavour), headers);
	const [shared] = await findExactly(found.apt, [common], kernel.stock.version);
	if (!shared) throw gone(common, kernel.stock.version);
	await unpack(found.apt, shared);
	if (hostArch === undefined) {
		throw infrastructureError(
			'HOST_UNSUPPORTED',
			`kbuild's programs are to be had for no host like this: ${process.arch}`,
		);
	}
	const host = await found.openFor(ARCHITECTURES[hostArch].debian);
	const [programs] = await findExactly(host, [kbuild], kernel.stock.version);
	await unpack(host, programs ?? (await newest(host, kbuild, exactly(kbuild))));
	for (const { prefix, name } of TOOL_LIBRARIES) await unpack(host, await newest(host, prefix, name));
	return { flavour, common, kbuild };
}

async function newest(apt: PrivateApt, prefix: string, name: RegExp): Promise<PackageRecord> {
	const [first] = (await apt.search(prefix, name)).sort((a, b) => compareDebianVersions(b.version, a.version));
	if (!first) throw gone(prefix);
	return first;
}

function gone(name: string, version = '') {
	return infrastructureError('HEADERS_GONE', `${`${name} ${version}`.trim()} can no longer be had`, {
		hint: 'choose a newer stock kernel (fencepost kernel list shows what can be had), or source:VERSION',
	});
}

/** The folders of the other packages: where the Makefile and the link to kbuild's scripts lead. */
async function namesWithin(folder: string, { name, version }: PackageRecord): Promise<Omit<HeaderFolders, 'flavour'>> {
	const makefile = await readFile(join(folder, 'Makefile'), 'utf8').catch(() => '');
	const common = /^include \/usr\/src\/(linux-headers-[\w.+~-]+)\/Makefile$/m.exec(makefile)?.[1];
	const scripts = await readlink(join(folder, 'scripts')).catch(() => '');
	const kbuild = /(?:^|\/)(linux-kbuild-[\w.+~-]+)\/scripts$/.exec(scripts)?.[1];
	if (common === undefined || kbuild === undefined)
		throw infrastructureError('HEADERS_UNREADABLE', `${name} ${version} does not say which packages it goes with`);
	return { common, kbuild };
}

/** Puts what was unpacked in the places that a build folder has for it. @returns that folder */
async function layOut(unpacked: string, { flavour, common, kbuild }: HeaderFolders): Promise<string> {
	const tree = join(unpacked, 'usr', 'src', flavour);
	// The Makefile and the variables name places and compilers of a machine that has the packages installed. Without the
	// kernel's own types (vmlinux) no module gets any, which would take pahole (scripts/Makefile.modfinal).
	for (const name of ['Makefile', '.kernelvariables', 'vmlinux']) await rm(join(tree, name), { force: true });
	await rename(join(unpacked, 'usr', 'src', common), join(tree, 'source'));
	await rename(join(unpacked, 'usr', 'lib', kbuild), join(tree, 'kbuild'));
	for (const [path, target] of [
		['scripts', 'kbuild/scripts'],
		['tools', 'kbuild/tools'],
		['source/scripts', '../kbuild/scripts'],
		['source/tools', '../kbuild/tools'],
	] as const) {
		await rm(join(tree, path), { force: true });
		await symlink(target, join(tree, path));
	}
	const libraries = join(tree, 'libraries');
	await gatherLibraries(unpacked, libraries);
	await runWithLibraries(join(tree, 'kbuild'), libraries);
	return tree;
}

/** Moves the libraries of all packages into one folder. */
async function gatherLibraries(unpacked: string, libraries: string): Promise<void> {
	await mkdir(libraries);
	for (const parent of [join(unpacked, 'lib'), join(unpacked, 'usr', 'lib')]) {
		for (const triplet of await readdir(parent).catch(() => [])) {
			if (!triplet.endsWith('-linux-gnu')) continue;
			for (const name of await readdir(join(parent, triplet)))
				if (isLibrary(name)) await rename(join(parent, triplet, name), join(libraries, name));
		}
	}
}
