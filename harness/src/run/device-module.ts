// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import type { Cache } from '../core/cache.js';
import { FencepostError } from '../core/errors.js';
import type { Progress } from '../core/progress.js';
import type { Kernel } from '../kernel/kernel.js';
import { buildModule } from '../kernel/module-build.js';
import type { ModuleFile } from '../kernel/modules.js';
import type { SuiteProgram } from './assignment.js';

/** What a case names that uses the device module, /dev/fencepost (suites/lib/needs.c). */
export const DEVICE_NEED = 'device';

/** What a case names that needs mappings to be bounced. */
export const BOUNCE_NEED = 'bounce';

/** What a case names that needs a bus master: a device that moves data by itself. */
export const MASTER_NEED = 'master';

/** What a case names that needs it behind an IOMMU. */
export const IOMMU_NEED = 'iommu';

const FOLDER = 'guest/modules/device';
const NAME = 'fencepost_device';

/** The project's own module that plays devices (docs/device.md), for one kernel; or why there is none. */
export type DeviceModule =
	| { readonly files: readonly ModuleFile[] }
	| { readonly files: readonly []; readonly instead: { readonly verdict: 'skip' | 'miss'; readonly reason: string } };

/** Whether anything chosen uses it: what does not is not kept waiting for it. */
export function wantsDevice(suites: readonly SuiteProgram[]): boolean {
	return suites.some(({ cases }) => cases?.some(({ needs }) => needs.includes(DEVICE_NEED)));
}

/**
 * The device module for a kernel, from the cache or built now. For a kernel with nothing to build against there is none,
 * and what uses it is a skip; where it does not build, what uses it is a miss.
 * @param prebuilt a .ko to take instead
 */
export async function deviceModule(
	kernel: Kernel,
	prebuilt: string | undefined,
	context: { readonly cache: Cache; readonly progress: Progress; readonly projectRoot: string },
): Promise<DeviceModule> {
	if (prebuilt !== undefined) return { files: [{ name: NAME, file: prebuilt }] };
	if (kernel.buildDirectory === undefined) {
		const why = kernel.whyNoBuildDirectory ?? `${kernel.selector} was not built here`;
		const reason = `needs ${DEVICE_NEED}: ${why}, so the device module cannot be built against it`;
		return { files: [], instead: { verdict: 'skip', reason } };
	}
	try {
		return { files: (await buildModule(kernel, join(context.projectRoot, FOLDER), context)).modules };
	} catch (error) {
		context.progress.signal.throwIfAborted();
		if (!(error instanceof FencepostError) || error.blame === 'usage') throw error;
		return { files: [], instead: { verdict: 'miss', reason: error.message } };
	}
}

/** What a module that does not build takes with it: the compiler's words, and the catalogue's rows. */
export function lostRows(device: DeviceModule, suites: readonly SuiteProgram[]): string | undefined {
	if (!('instead' in device) || device.instead.verdict !== 'miss') return undefined;
	const cases = suites.flatMap(({ cases = [] }) => cases).filter(({ needs }) => needs.includes(DEVICE_NEED));
	const rows = [...new Set(cases.map(({ catalogue }) => catalogue))].sort();
	return `${device.instead.reason}; ${cases.length} cases are lost to it, of ${rows.join(', ')}`;
}
