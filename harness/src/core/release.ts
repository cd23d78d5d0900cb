// SPDX-License-Identifier: MIT

/** A kernel's version as far as contracts depend on it: major, minor, patch. */
export type Release = readonly [major: number, minor: number, patch: number];

/** Reads `6.12.107`, `7.3-rc4`, `6.12.107-fencepost+`, `5.10`; undefined when it does not start with a version. */
export function parseRelease(text: string): Release | undefined {
	const match = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?/.exec(text);
	return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

export function compareReleases(a: Release, b: Release): number {
	return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** An inclusive range of releases; a bound such as `6.12` covers all of 6.12.x. A missing bound is open. */
export interface ReleaseRange {
	readonly since?: string | undefined;
	readonly until?: string | undefined;
}

export function inRange(release: Release, range: ReleaseRange): boolean {
	const since = range.since === undefined ? undefined : parseRelease(range.since);
	const until = range.until === undefined ? undefined : parseRelease(range.until);
	if (since && compareReleases(release, since) < 0) return false;
	if (until === undefined) return true;
	const series = range.until?.split('.').length === 2;
	return compareReleases(series ? [release[0], release[1], 0] : release, until) <= 0;
}
