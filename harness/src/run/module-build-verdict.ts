// SPDX-License-Identifier: MIT
import type { Cache } from '../core/cache.js';
import { FencepostError, usageError } from '../core/errors.js';
import type { Progress } from '../core/progress.js';
import type { Kernel } from '../kernel/kernel.js';
import { type BuiltModule, buildModule } from '../kernel/module-build.js';
import { checkModuleFolder, moduleFolderName } from '../kernel/module-source.js';
import type { Plan } from '../plan/plan.js';
import type { Judged } from './attempt.js';

/** The suite that a module's own cases belong to: build, load, unload. */
export const MODULE_SUITE = 'module';

/** Refuses folders that hold no module's source, before anything is built. @throws usage errors. */
export async function checkModules(plan: Plan): Promise<void> {
	const names = new Map<string, string>();
	for (const directory of plan.moduleSources) {
		await checkModuleFolder(directory);
		const name = moduleFolderName(directory);
		const other = names.get(name);
		if (other !== undefined) {
			throw usageError(
				'MODULE_NAME_TAKEN',
				`--module: ${other} and ${directory} would both be the module ${name}`,
				'rename one of the folders',
			);
		}
		names.set(name, directory);
	}
}

/** Modules built for a kernel, with a verdict for each folder. */
export interface ModuleBuilds {
	readonly built: readonly BuiltModule[];
	readonly judged: readonly Judged[];
}

/** Builds every folder's module against a kernel. One that does not build fails; one that cannot be judged is a miss. */
export async function buildModules(
	kernel: Kernel,
	directories: readonly string[],
	context: { readonly cache: Cache; readonly progress: Progress },
): Promise<ModuleBuilds> {
	const built: BuiltModule[] = [];
	const judged: Judged[] = [];
	for (const directory of directories) {
		const name = moduleFolderName(directory);
		const verdict = (verdict: Judged['verdict'], reason: string): Judged => ({
			case: `module.${name}.build`,
			verdict,
			reason,
			durationMs: 0,
			diagnostics: [],
			splats: [],
			catalogue: undefined,
		});
		try {
			built.push(await buildModule(kernel, directory, context));
			judged.push(verdict('pass', ''));
		} catch (error) {
			context.progress.signal.throwIfAborted();
			if (!(error instanceof FencepostError) || error.blame === 'usage') throw error;
			const { message, hint, evidence, blame } = error;
			const words = hint === undefined ? message : `${message} (${hint})`;
			judged.push(
				verdict(blame === 'infrastructure' ? 'miss' : 'fail', evidence === undefined ? words : `${words}\n${evidence}`),
			);
		}
	}
	return { built, judged };
}
