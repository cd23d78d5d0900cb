// SPDX-License-Identifier: MIT
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Arch, hostArch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { infrastructureError } from '../core/errors.js';
import type { Progress } from '../core/progress.js';
import type { CaseInfo } from './cases.js';
import { ensureToolchain, type FetchPackage, verifyToolchain } from './toolchain.js';
import { type BuiltProgram, Workshop } from './workshop.js';

export interface GuestPrograms {
	readonly arch: Arch;
	readonly agent: BuiltProgram;
	/** In the order of their names. */
	readonly suites: readonly BuiltProgram[];
}

export interface BuildOptions {
	/** Holds `suites/` and `guest/agent/`. */
	readonly root: string;
	readonly arch: Arch;
	/** Names of the suites that are wanted, as discoverSuites gives them. */
	readonly suites: readonly string[];
	readonly cache: Cache;
	readonly fetchPackage: FetchPackage;
	readonly progress: Progress;
}

/** The suites there are: folders of `root`/suites that hold C sources, but `lib`; sorted. */
export async function discoverSuites(root: string): Promise<string[]> {
	const entries = await readdir(join(root, 'suites'), { withFileTypes: true }).catch((cause) => {
		throw infrastructureError('SOURCES_MISSING', `no folder ${join(root, 'suites')}`, { cause });
	});
	const names = entries.filter((entry) => entry.isDirectory() && entry.name !== 'lib').map((entry) => entry.name);
	const holdsSources = await Promise.all(
		names.map(async (name) => (await readdir(join(root, 'suites', name))).some((file) => file.endsWith('.c'))),
	);
	return names.filter((_, index) => holdsSources[index]).sort();
}

/**
 * The agent and the suites as programs for `arch`, from the cache or compiled now. @throws FencepostError
 * SUITE_BUILD_FAILED with the compiler's words; COMMAND_MISSING or HEADERS_MISSING naming the package;
 * SUITE_LIST_FAILED; what `fetchPackage` throws.
 */
export async function buildGuestPrograms(options: BuildOptions): Promise<GuestPrograms> {
	const { root, arch, cache, fetchPackage } = options;
	const progress = options.progress.for(`programs ${arch}`);
	const toolchain = await ensureToolchain(cache, arch, fetchPackage, progress);
	const suites = [...options.suites].sort();
	const workshop = await Workshop.open({ root, suites, cache, toolchain, progress });
	const [agent, found] = await Promise.all([workshop.lookupAgent(), workshop.lookupSuites()]);
	if (agent && found) return { arch, agent, suites: found };
	// A toolchain that was damaged is gone from the cache now; the next round fetches it again.
	if (!(await verifyToolchain(cache, toolchain, progress))) return buildGuestPrograms(options);
	return { arch, agent: agent ?? (await workshop.buildAgent()), suites: found ?? (await workshop.buildSuites()) };
}

/** The cases of suites that were built for this host, in the order of the suites. */
export function listCases(suites: readonly BuiltProgram[]): CaseInfo[] {
	return suites.flatMap(({ name, cases }) => {
		if (!cases) {
			throw infrastructureError('SUITE_LIST_FAILED', `the suite ${name} was built for another architecture`, {
				hint: `cases are listed by suites that run on this host${hostArch ? ` (${hostArch})` : ''}`,
			});
		}
		return cases;
	});
}
