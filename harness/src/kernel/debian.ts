// SPDX-License-Identifier: MIT
import { copyFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ARCHITECTURES, type Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { FencepostError, infrastructureError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import type { Progress } from '../core/progress.js';
import type { KernelSelector } from '../core/selector.js';
import type { AptContext, PrivateApt } from './apt.js';
import type { PackageRecord } from './apt-index.js';
import { upstreamVersion } from './debian-version.js';
import { withRoomFor } from './disk-full.js';
import { type FoundPackage, findKernelPackage } from './find-package.js';
import type { Kernel } from './kernel.js';
import { fetchPackage, unpackPackage } from './package-store.js';
import { type KernelInfo, publishedKernel } from './published.js';
import type { KernelContext } from './resolve.js';
import { headersProvenance, stockBuildFolder } from './stock-headers.js';
import { findExactly } from './stock-packages.js';
import { withWorkFolder } from './work-folder.js';

type DebianSelector = Extract<KernelSelector, { kind: 'debian' }>;

const SMALLEST_KERNEL_BYTES = 2_000_000;

/**
 * Names of the packages that hold stock kernels of the plain flavour: `linux-image-6.1.0-47-amd64`, and since
 * 6.19 `linux-binary-7.2.12+deb13-amd64`; real-time, cloud and 16k flavours put a word before the architecture.
 */
export function stockKernelName(debianArch: string): RegExp {
	return new RegExp(
		`^linux-(?:image|binary(?:-unsigned)?)-(\\d[\\w.+~]*(?:-(?:\\d[\\w.]*|rc\\d+))?-${debianArch})(?:-unsigned)?$`,
	);
}

/** Meta packages have names like those of kernels, and hold nothing. */
export function isStockKernel(record: PackageRecord): boolean {
	return record.sizeBytes >= SMALLEST_KERNEL_BYTES;
}

/** Finds the package of a stock kernel. @throws usage error that lists what can be had. */
export async function findStockKernel(
	selector: DebianSelector,
	arch: Arch,
	context: AptContext,
): Promise<FoundPackage> {
	const { debian } = ARCHITECTURES[arch];
	return findKernelPackage(context, debian, {
		selector: selector.text,
		kind: 'debian',
		version: selector.version,
		prefix: 'linux-',
		name: stockKernelName(debian),
		wanted: isStockKernel,
	});
}

/** A stock kernel of Debian's. Its modules are not fetched: see resolveModules. Its headers are, where they are asked for. */
export async function resolveDebian(
	selector: DebianSelector,
	arch: Arch,
	context: AptContext & KernelContext,
): Promise<Kernel> {
	const { cache, progress } = context;
	const { kernel, apt } = await findStockKernel(selector, arch, context);
	const { record } = kernel;
	const id = contentId({ deb: record.sha256, kind: 'stock kernel', version: '1' });
	const entry = await cache.entry('kernels', id, progress, async (directory) => {
		const deb = await fetchPackage(apt, record, cache, progress);
		return progress.phase('unpack', () =>
			withRoomFor(cache.root, () => extractKernel(selector, arch, deb, record, apt, directory, cache, progress)),
		);
	});
	const published = await publishedKernel(selector.text, id, entry);
	return context.withBuildFolder ? withHeaders(published, record, context) : published;
}

/** The kernel with a folder to build modules in; or, where nothing of the user's depends on it, with why there is none. */
async function withHeaders(kernel: Kernel, { name, version }: PackageRecord, context: KernelContext): Promise<Kernel> {
	const { id, arch, release } = kernel;
	if (release === undefined) return kernel;
	const stock = { name, version, upstream: upstreamVersion(version) };
	try {
		const buildDirectory = await stockBuildFolder({ id, arch, release, stock }, context);
		return { ...kernel, buildDirectory, provenance: [...kernel.provenance, headersProvenance(release, version)] };
	} catch (error) {
		context.progress.signal.throwIfAborted();
		if (context.forModules || !(error instanceof FencepostError)) throw error;
		context.progress.note(`no module can be built against ${kernel.selector}: ${error.message}`);
		return { ...kernel, whyNoBuildDirectory: error.message };
	}
}

async function extractKernel(
	selector: DebianSelector,
	arch: Arch,
	deb: string,
	record: PackageRecord,
	apt: PrivateApt,
	directory: string,
	cache: Cache,
	progress: Progress,
): Promise<KernelInfo> {
	return withWorkFolder(cache, 'stock', async (unpacked) => {
		await unpackPackage(deb, unpacked, progress.signal);
		const found = await findStockFiles(unpacked);
		if (!found.image || found.release === undefined) {
			throw infrastructureError('STOCK_KERNEL_UNREADABLE', `no vmlinuz in ${record.name} ${record.version}`);
		}
		const { release } = found;
		await copyFile(found.image, join(directory, 'image'));
		let { config } = found;
		if (!config) {
			// Since 6.19 the config has a package of its own.
			const [base] = await findExactly(apt, [`linux-base-${release}`], record.version);
			if (base) {
				await unpackPackage(await fetchPackage(apt, base, cache, progress), unpacked, progress.signal);
				config = (await findStockFiles(unpacked)).config;
			}
		}
		if (config) await copyFile(config, join(directory, 'config'));
		else progress.note(`no package of ${release} holds its config: what needs it will be skipped`);
		return {
			arch,
			selector: selector.text,
			release,
			hasConfig: config !== undefined,
			hasModules: false,
			stock: { name: record.name, version: record.version, upstream: selector.version },
			provenance: [`${record.name} ${record.version}`],
		};
	});
}

interface StockFiles {
	readonly image: string | undefined;
	readonly config: string | undefined;
	readonly release: string | undefined;
}

/** Where Debian's packages put the kernel: /boot/vmlinuz-RELEASE, and since 6.19 /usr/lib/modules/RELEASE/vmlinuz. */
export async function findStockFiles(unpacked: string): Promise<StockFiles> {
	const boot = await readdir(join(unpacked, 'boot')).catch((): string[] => []);
	const image = boot.find((name) => name.startsWith('vmlinuz-'));
	if (image) {
		const release = image.slice('vmlinuz-'.length);
		return {
			image: join(unpacked, 'boot', image),
			release,
			config: boot.includes(`config-${release}`) ? join(unpacked, 'boot', `config-${release}`) : undefined,
		};
	}
	for (const folder of await moduleFolders(unpacked)) {
		const names = await readdir(folder);
		if (!names.includes('vmlinuz')) continue;
		return {
			image: join(folder, 'vmlinuz'),
			release: basename(folder),
			config: names.includes('config') ? join(folder, 'config') : undefined,
		};
	}
	return { image: undefined, config: undefined, release: undefined };
}

/** Folders RELEASE below lib/modules and usr/lib/modules. */
export async function moduleFolders(unpacked: string): Promise<string[]> {
	const parents = [join(unpacked, 'lib', 'modules'), join(unpacked, 'usr', 'lib', 'modules')];
	const found = await Promise.all(
		parents.map(async (parent) => (await readdir(parent).catch(() => [])).map((name) => join(parent, name))),
	);
	return found.flat();
}
