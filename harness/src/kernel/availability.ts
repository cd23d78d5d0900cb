// SPDX-License-Identifier: MIT
import { type FencepostError, usageError } from '../core/errors.js';
import { parseRelease } from '../core/release.js';
import type { PackageRecord } from './apt-index.js';
import { compareDebianVersions, upstreamVersion } from './debian-version.js';

/** A kernel, or its source, that a package holds. */
export interface AvailableKernel {
	/** As selectors write it: `6.12.117`, `7.3-rc7`. */
	readonly upstream: string;
	readonly record: PackageRecord;
}

/** Newest first; of a kernel that is there signed and unsigned, signed first. */
export function availableKernels(records: readonly PackageRecord[]): AvailableKernel[] {
	return records
		.map((record) => ({ upstream: upstreamVersion(record.version), record }))
		.filter(({ upstream }) => parseRelease(upstream) !== undefined)
		.sort(
			(a, b) =>
				compareDebianVersions(b.record.version, a.record.version) ||
				Number(a.record.name.includes('unsigned')) - Number(b.record.name.includes('unsigned')),
		);
}

const isCandidate = (upstream: string) => upstream.includes('-rc');
const seriesOf = (upstream: string) => /^\d+\.\d+/.exec(upstream)?.[0] ?? upstream;

/**
 * The kernel that a version names: `newest` and a series (`6.12`) mean the newest there is of it, release
 * candidates only where nothing else is; `6.12.107` means that one, in its newest packaging.
 */
export function chooseKernel(version: string, newestFirst: readonly AvailableKernel[]): AvailableKernel | undefined {
	if (version === 'newest') return newestFirst.find(({ upstream }) => !isCandidate(upstream));
	if (/^\d+\.\d+$/.test(version)) {
		const series = newestFirst.filter(({ upstream }) => seriesOf(upstream) === version);
		return series.find(({ upstream }) => !isCandidate(upstream)) ?? series[0];
	}
	return newestFirst.find(({ upstream }) => upstream === version);
}

export function versionsBySeries(newestFirst: readonly AvailableKernel[]): ReadonlyMap<string, readonly string[]> {
	const series = new Map<string, string[]>();
	for (const { upstream } of newestFirst) {
		const versions = series.get(seriesOf(upstream)) ?? [];
		series.set(seriesOf(upstream), versions);
		if (!versions.includes(upstream)) versions.push(upstream);
	}
	return series;
}

/**
 * What to ask for instead of a version that is gone: for a series the nearest series, for a version the nearest
 * by number, of its own series if there is any.
 */
export function nearestVersion(version: string, newestFirst: readonly AvailableKernel[]): string | undefined {
	const wanted = parseRelease(version);
	const wantsSeries = /^\d+\.\d+$/.test(version);
	const names = newestFirst.map(({ upstream }) => (wantsSeries ? seriesOf(upstream) : upstream));
	if (!wanted) return names[0];
	const distance = (name: string) => {
		const [major, minor, patch] = parseRelease(name) ?? [0, 0, 0];
		return Math.abs(major - wanted[0]) * 1e8 + Math.abs(minor - wanted[1]) * 1e4 + Math.abs(patch - wanted[2]);
	};
	return names.toSorted((a, b) => distance(a) - distance(b))[0];
}

/** A version that cannot be had: what can be, and the nearest. */
export function versionGone(
	selector: string,
	kind: 'source' | 'debian',
	version: string,
	newestFirst: readonly AvailableKernel[],
): FencepostError {
	const near = nearestVersion(version, newestFirst);
	const what = kind === 'source' ? 'kernel source' : 'stock kernel';
	return usageError(
		'KERNEL_VERSION_GONE',
		`${selector}: no ${what} of version ${version} can be had from Debian's suites`,
		near === undefined
			? 'none at all can be had: the package indexes hold none'
			: [
					`the nearest is ${kind}:${near}; to be had:`,
					...[...versionsBySeries(newestFirst)].map(([series, versions]) => `  ${series}: ${versions.join(', ')}`),
				].join('\n'),
	);
}
