// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import { infrastructureError } from '../core/errors.js';
import { parseRelease } from '../core/release.js';
import type { KernelSelector } from '../core/selector.js';
import type { AptContext } from './apt.js';
import { fragmentFiles } from './catalogue.js';
import { type FoundPackage, findKernelPackage } from './find-package.js';
import type { Kernel } from './kernel.js';
import { fetchPackage } from './package-store.js';
import { loadPatches } from './patch.js';
import { pristineSource } from './pristine-source.js';
import { buildKernel } from './recipe.js';

type SourceSelector = Extract<KernelSelector, { kind: 'source' }>;

/** Source packages are the same for all architectures; one architecture's index serves for every target. */
const SOURCE_INDEX = 'amd64';

/** Names of the packages that hold kernel sources. */
export const SOURCE_NAME = { prefix: 'linux-source-', name: /^linux-source-\d+\.\d+$/ } as const;

/** Finds the package of a kernel's source. @throws usage error that lists what can be had. */
export async function findSource(selector: SourceSelector, context: AptContext): Promise<FoundPackage> {
	return findKernelPackage(context, SOURCE_INDEX, {
		selector: selector.text,
		kind: 'source',
		version: selector.version,
		...SOURCE_NAME,
	});
}

/** The unpacked source in a package that was found; downloaded and unpacked when it is not there. Never write to it. */
export async function unpackedSource({ kernel, apt }: FoundPackage, context: AptContext): Promise<string> {
	const { cache, progress } = context;
	const { record, upstream } = kernel;
	const fetchDeb = () => fetchPackage(apt, record, cache, progress);
	return pristineSource(`linux-${upstream}`, record.sha256, fetchDeb, cache, progress);
}

/** A kernel built from a linux-source package of Debian's. */
export async function resolveSource(
	selector: SourceSelector,
	arch: Arch,
	context: AptContext & { readonly projectRoot: string; readonly withBuildFolder: boolean },
): Promise<Kernel> {
	const { cache, progress, catalogue } = context;
	const fragments = fragmentFiles(catalogue, context.projectRoot, selector.profile, arch);
	const found = await findSource(selector, context);
	const { kernel } = found;
	const release = parseRelease(kernel.upstream);
	if (!release)
		throw infrastructureError('VERSION_UNREADABLE', `${kernel.record.name} has the version ${kernel.upstream}`);
	const { record } = kernel;
	const source = `linux-${kernel.upstream}`;
	return buildKernel(
		{
			selector: selector.text,
			lasting: selector.text,
			arch,
			profile: selector.profile,
			fragments,
			sourceId: `deb ${record.sha256}`,
			release,
			patches: await loadPatches(context.projectRoot, { release, profile: selector.profile, asItIs: false }),
			withBuildFolder: context.withBuildFolder,
			buildName: `${source}-${record.sha256.slice(0, 12)}-${arch}-${selector.profile}`,
			provenance: [`${record.name} ${record.version}`],
			withSource: async (use) => use(await unpackedSource(found, context)),
		},
		cache,
		progress,
	);
}
