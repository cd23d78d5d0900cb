// SPDX-License-Identifier: MIT
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { usageError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import { inRange, type Release, type ReleaseRange } from '../core/release.js';

/** A small change of ours to kernels that are built here: kernels/patches/NAME.patch. */
export interface KernelPatch {
	readonly name: string;
	/** What it does, in a few words, for those who read results. */
	readonly does: string;
	readonly range: ReleaseRange;
	/** Only kernels of this profile are built with it; undefined: all. */
	readonly profile: string | undefined;
	/** It is not needed where this file matches. */
	readonly unless: { readonly pattern: RegExp; readonly file: string } | undefined;
	/** Path of the patch. */
	readonly file: string;
	/** The change itself: what makes a kernel another one. */
	readonly change: string;
	/** Files it changes, relative to the kernel's tree. */
	readonly touches: readonly string[];
}

const HEADER =
	/^Patch: (?<does>.+)\nSince: (?<since>\d+\.\d+)\n(?:Until: (?<until>\d+\.\d+)\n)?(?:Profile: (?<profile>[a-z][a-z0-9-]*)\n)?(?:Unless: (?<pattern>.+) in (?<path>\S+)\n)?---\n/;

/** Whom patches are asked for. */
export interface PatchedKernel {
	readonly release: Release;
	readonly profile: string;
	/** A tree of the user's is built as it is: only with what its profile cannot do without. */
	readonly asItIs: boolean;
}

/** The patches that a kernel is built with. @throws usage error for a patch whose first lines say too little. */
export async function loadPatches(
	projectRoot: string,
	{ release, profile, asItIs }: PatchedKernel,
): Promise<KernelPatch[]> {
	const folder = resolve(projectRoot, 'kernels', 'patches');
	const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.patch')).sort();
	const patches = await Promise.all(
		names.map(async (name) => parsePatch(await readFile(join(folder, name), 'utf8'), join(folder, name), name)),
	);
	return patches.filter(
		(patch) => inRange(release, patch.range) && (patch.profile === undefined ? !asItIs : patch.profile === profile),
	);
}

function parsePatch(text: string, file: string, fileName: string): KernelPatch {
	const header = HEADER.exec(text)?.groups;
	const change = text.slice(Math.max(0, text.search(/^--- a\//m)));
	const touches = [...change.matchAll(/^\+\+\+ b\/(\S+)/gm)].map(([, path]) => path ?? '');
	if (!header?.['does'] || touches.length === 0) {
		throw usageError(
			'PATCH_MALFORMED',
			`kernels/patches/${fileName}: its first lines do not say what it is for`,
			'accepted: "Patch: what it does", "Since: X.Y", perhaps "Until: X.Y", perhaps "Profile: NAME", perhaps "Unless: REGEX in FILE", then --- and a unified diff with a/ and b/',
		);
	}
	const { pattern, path } = header;
	return {
		name: fileName.slice(0, -'.patch'.length),
		does: header['does'],
		range: { since: header['since'], until: header['until'] },
		profile: header['profile'],
		unless: pattern !== undefined && path !== undefined ? { pattern: new RegExp(pattern), file: path } : undefined,
		file,
		change,
		touches,
	};
}

/** One id for a set of patches; undefined for none. What a patch says about itself does not count. */
export function patchesId(patches: readonly KernelPatch[]): string | undefined {
	if (patches.length === 0) return undefined;
	return contentId(Object.fromEntries(patches.map(({ name, change }) => [name, change])));
}
