// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { parseYaml } from '../core/yaml-source.js';

const SUITE = z.string().regex(/^[a-z][a-z-]*$/);

const CATALOGUE = z.strictObject({
	keyring: z.strictObject({ path: z.string().startsWith('/'), package: z.string() }),
	suites: z.array(SUITE).min(1),
	series: z.record(z.string().regex(/^\d+\.\d+$/), z.array(SUITE).min(1)),
	newest: z.array(SUITE).min(1),
	toolchain: z.array(SUITE).min(1),
	profiles: z.record(
		z.string().regex(/^[a-z][a-z0-9-]*$/),
		z.strictObject({ summary: z.string(), fragments: z.array(z.string().regex(/^[A-Za-z0-9_-]+$/)).min(1) }),
	),
});

/** `kernels/catalogue.yaml`: where kernels come from and how they are configured. */
export type Catalogue = z.infer<typeof CATALOGUE>;

/** In the name of a profile's fragment, stands for the architecture: `ARCH`, `iommu-ARCH`. */
const ARCH_WORD = /\bARCH\b/;

export async function loadCatalogue(projectRoot: string): Promise<Catalogue> {
	const file = join(projectRoot, 'kernels', 'catalogue.yaml');
	return parseYaml(await readFile(file, 'utf8'), file, CATALOGUE).value;
}

/** Files of the fragments of a profile, in the order in which they count. @throws usage error for an unknown profile. */
export function fragmentFiles(catalogue: Catalogue, projectRoot: string, profile: string, arch: Arch): string[] {
	const names = Object.keys(catalogue.profiles);
	const found = Object.hasOwn(catalogue.profiles, profile) ? catalogue.profiles[profile] : undefined;
	if (!found) {
		const meant = nearest(profile, names);
		throw usageError(
			'PROFILE_UNKNOWN',
			`no profile "${profile}" for building kernels`,
			`${meant ? `did you mean ${meant}? ` : ''}known: ${names.join(', ')}`,
		);
	}
	return found.fragments.map((name) =>
		join(projectRoot, 'kernels', 'fragments', `${name.replace(ARCH_WORD, arch)}.config`),
	);
}

/** Suites to search for a version, the likely ones first: each later group is tried when the earlier ones do not have it. */
export function suiteGroups(catalogue: Catalogue, version: string): readonly (readonly string[])[] {
	const series = /^\d+\.\d+/.exec(version)?.[0];
	const likely = series === undefined ? catalogue.newest : catalogue.series[series];
	return likely ? [likely, catalogue.suites] : [catalogue.suites];
}
