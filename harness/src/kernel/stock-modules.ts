// SPDX-License-Identifier: MIT
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { infrastructureError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import { run } from '../core/process.js';
import { moduleFolders } from './debian.js';
import { withRoomFor } from './disk-full.js';
import type { Kernel } from './kernel.js';
import { fetchPackage, unpackPackage } from './package-store.js';
import { KERNEL_INFO } from './published.js';
import type { KernelContext } from './resolve.js';
import { findStockSiblings, type StockPackage, type StockSiblings } from './stock-packages.js';
import { withWorkFolder } from './work-folder.js';

/**
 * Folder that holds `lib/modules/RELEASE` of a kernel: its own, or, for a stock kernel, taken from Debian's package
 * now that somebody asks for it (about 110 MB). Undefined for a kernel that comes without. Modules are
 * compressed as the package has them (`.ko.xz`).
 */
export async function resolveModules(kernel: Kernel, context: KernelContext): Promise<string | undefined> {
	if (kernel.modulesRoot !== undefined) return kernel.modulesRoot;
	const { cache, progress } = context;
	const parsed = KERNEL_INFO.safeParse((await cache.lookup('kernels', kernel.id, progress))?.info);
	const stock = parsed.success ? parsed.data.stock : undefined;
	const release = kernel.release;
	if (!stock || release === undefined) return undefined;
	const id = contentId({ kernel: kernel.id, kind: 'stock modules', version: '1' });
	const entry = await cache.entry('packages', id, progress, async (directory) => {
		const { apt, records } = await findModulePackages(kernel, stock, context);
		const debs: string[] = [];
		for (const record of records) debs.push(await fetchPackage(apt, record, cache, progress));
		await progress.phase('unpack', () =>
			withRoomFor(cache.root, () => installStockModules(debs, release, directory, context)),
		);
		return { modulesOf: kernel.id };
	});
	return entry.path;
}

/** The packages that hold a stock kernel's modules: its own up to 6.18, then one for modules and one for their lists. */
async function findModulePackages(kernel: Kernel, stock: StockPackage, context: KernelContext): Promise<StockSiblings> {
	const split = stock.name.startsWith('linux-binary-');
	const names = split ? [`linux-modules-${kernel.release}`, `linux-base-${kernel.release}`] : [stock.name];
	const found = await findStockSiblings(kernel, stock, names, context);
	if (found) return found;
	throw infrastructureError('MODULES_GONE', `${names.join(' and ')} ${stock.version} can no longer be had`, {
		hint: 'choose a newer stock kernel (fencepost kernel list shows what can be had), or a machine that asks for no modules',
	});
}

async function installStockModules(
	debs: readonly string[],
	release: string,
	directory: string,
	context: KernelContext,
): Promise<void> {
	const { cache, progress } = context;
	const destination = join(directory, 'lib', 'modules', release);
	await withWorkFolder(cache, 'modules', async (unpacked) => {
		for (const deb of debs) await unpackPackage(deb, unpacked, progress.signal);
		const folders = (await moduleFolders(unpacked)).filter((folder) => basename(folder) === release);
		const [first, ...others] = folders;
		if (first === undefined)
			throw infrastructureError('MODULES_MISSING', `no modules of ${release} in ${debs.join(', ')}`);
		await mkdir(join(directory, 'lib', 'modules'), { recursive: true });
		await rename(first, destination);
		for (const folder of others) await cp(folder, destination, { recursive: true });
		for (const name of ['build', 'source', 'vmlinuz'])
			await rm(join(destination, name), { recursive: true, force: true });
		// Packages leave it to their installation to work out which module needs which.
		await run('/sbin/depmod', ['--basedir', directory, release], { signal: progress.signal, package: 'kmod' });
	});
}
