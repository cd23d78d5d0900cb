// SPDX-License-Identifier: MIT
import { type AptContext, PrivateApt } from './apt.js';
import type { PackageRecord } from './apt-index.js';
import { type AvailableKernel, availableKernels, chooseKernel, versionGone } from './availability.js';
import { suiteGroups } from './catalogue.js';

/** What is looked for: packages by name, and a version as a selector writes it. */
export interface PackageQuery {
	readonly selector: string;
	readonly kind: 'source' | 'debian';
	readonly version: string;
	/** All the names begin so. */
	readonly prefix: string;
	readonly name: RegExp;
	/** Which of those packages count; all by default. */
	readonly wanted?: (record: PackageRecord) => boolean;
}

export interface FoundPackage {
	readonly kernel: AvailableKernel;
	/** Where to download it and its siblings from. */
	readonly apt: PrivateApt;
}

/**
 * Finds the package of a kernel version: first where the catalogue says its series is, then in all suites, at
 * last in indexes fetched anew. @throws usage error that lists what can be had.
 */
export async function findKernelPackage(
	context: AptContext,
	architecture: string,
	query: PackageQuery,
): Promise<FoundPackage> {
	let seen: AvailableKernel[] = [];
	const tries: { suites: readonly string[]; afresh: boolean }[] = [
		...suiteGroups(context.catalogue, query.version).map((suites) => ({ suites, afresh: false })),
		{ suites: context.catalogue.suites, afresh: true },
	];
	for (const { suites, afresh } of tries) {
		const apt = await PrivateApt.open(context, suites, architecture);
		const records = afresh
			? await apt.searchAfresh(query.prefix, query.name)
			: await apt.search(query.prefix, query.name);
		seen = availableKernels(query.wanted ? records.filter(query.wanted) : records);
		const kernel = chooseKernel(query.version, seen);
		if (kernel) return { kernel, apt };
	}
	throw versionGone(query.selector, query.kind, query.version, seen);
}
