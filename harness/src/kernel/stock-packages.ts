// SPDX-License-Identifier: MIT
import { ARCHITECTURES } from '../core/architectures.js';
import { PrivateApt } from './apt.js';
import type { PackageRecord } from './apt-index.js';
import { loadCatalogue, suiteGroups } from './catalogue.js';
import type { Kernel } from './kernel.js';
import type { KernelInfo } from './published.js';
import type { KernelContext } from './resolve.js';

/** A stock kernel's own package. */
export type StockPackage = NonNullable<KernelInfo['stock']>;

/** Packages that came with a stock kernel, and where to look for more. */
export interface StockSiblings {
	readonly apt: PrivateApt;
	readonly records: readonly PackageRecord[];
	/** The same suites for another architecture of Debian's. */
	readonly openFor: (architecture: string) => Promise<PrivateApt>;
}

/** Finds packages by name in the version of a stock kernel's own; undefined when not all of them can be had. */
export async function findStockSiblings(
	kernel: Pick<Kernel, 'arch'>,
	stock: StockPackage,
	names: readonly string[],
	context: Pick<KernelContext, 'cache' | 'progress' | 'projectRoot'>,
): Promise<StockSiblings | undefined> {
	const catalogue = await loadCatalogue(context.projectRoot);
	for (const suites of suiteGroups(catalogue, stock.upstream)) {
		const openFor = (architecture: string) => PrivateApt.open({ ...context, catalogue }, suites, architecture);
		const apt = await openFor(ARCHITECTURES[kernel.arch].debian);
		const records = await findExactly(apt, names, stock.version);
		if (records.length === names.length) return { apt, records, openFor };
	}
	return undefined;
}

/** Packages by name in one version; fewer than names when some are not there. */
export async function findExactly(
	apt: PrivateApt,
	names: readonly string[],
	version: string,
): Promise<readonly PackageRecord[]> {
	const found = await Promise.all(names.map((name) => apt.search(name, exactly(name))));
	return found.flatMap((of) => of.filter((record) => record.version === version));
}

export function exactly(name: string): RegExp {
	return new RegExp(`^${name.replace(/[.+]/g, '\\$&')}$`);
}
