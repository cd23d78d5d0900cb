// SPDX-License-Identifier: MIT
import { type Arch, hostArch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { infrastructureError } from '../core/errors.js';
import type { Progress } from '../core/progress.js';
import type { CaseInfo } from '../image/cases.js';
import { buildGuestPrograms, discoverSuites, type GuestPrograms, listCases } from '../image/suites.js';
import { fetchDebianPackage } from '../kernel/fetch.js';
import { projectRoot } from './project.js';

/** The agent and every suite for an architecture, compiled once a process. */
export function programBuilder(cache: Cache, progress: Progress): (arch: Arch) => Promise<GuestPrograms> {
	const built = new Map<Arch, Promise<GuestPrograms>>();
	return (arch) => {
		const known = built.get(arch);
		if (known) return known;
		const making = discoverSuites(projectRoot).then((suites) =>
			buildGuestPrograms({
				root: projectRoot,
				arch,
				suites,
				cache,
				fetchPackage: (name, debianArch) => fetchDebianPackage(name, debianArch, { cache, progress, projectRoot }),
				progress: progress.for(`suites ${arch}`),
			}),
		);
		built.set(arch, making);
		return making;
	};
}

/** Every case, said by the suites themselves as built for this host. */
export async function allCases(programs: (arch: Arch) => Promise<GuestPrograms>): Promise<CaseInfo[]> {
	if (!hostArch) {
		throw infrastructureError('HOST_ARCH', `suites cannot list their cases on a ${process.arch} host`, {
			hint: 'Fencepost runs on x86-64 and arm64 hosts',
		});
	}
	return listCases((await programs(hostArch)).suites);
}
