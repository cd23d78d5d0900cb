// SPDX-License-Identifier: MIT
import { usageError } from '../core/errors.js';
import { PrivateApt } from './apt.js';
import { loadCatalogue } from './catalogue.js';
import { compareDebianVersions } from './debian-version.js';
import { fetchPackage } from './package-store.js';
import type { KernelContext } from './resolve.js';

/**
 * Fetches a Debian package that is no kernel (musl-dev for guest programs) through the private apt configuration,
 * verified. @param architecture Debian's, as `arm64`. Resolves to the .deb's path in the cache.
 */
export async function fetchDebianPackage(name: string, architecture: string, context: KernelContext): Promise<string> {
	const { cache, progress } = context;
	const catalogue = await loadCatalogue(context.projectRoot);
	const apt = await PrivateApt.open({ cache, progress, catalogue }, catalogue.toolchain, architecture);
	const exact = new RegExp(`^${name.replace(/[.+]/g, '\\$&')}$`);
	const [record] = (await apt.search(name, exact)).sort((a, b) => compareDebianVersions(b.version, a.version));
	if (!record) {
		throw usageError(
			'PACKAGE_GONE',
			`no package ${name} for ${architecture} in ${catalogue.toolchain.join(', ')}`,
			'name suites that have it in kernels/catalogue.yaml, toolchain',
		);
	}
	return fetchPackage(apt, record, cache, progress);
}
