// SPDX-License-Identifier: MIT
// The module that plays devices, as it is and broken by a mutant: built against the kernel without one.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileModule } from '../harness/dist/src/kernel/module-build.js';
import { copyModuleSource } from '../harness/dist/src/kernel/module-source.js';
import { DEVICE_MODULE } from './mutant-patches.mjs';
import { applyPatch } from './mutant-tree.mjs';

export class MutantDevices {
	/** @param facts `arch`, `cache`, `kernel` and `progress` of the campaign, `root`, `folder` of its own, `output` (kbuild's O=). */
	constructor(facts) {
		this.facts = facts;
	}

	/**
	 * @param {string} name of the folder it is built in; what was there goes.
	 * @param {string | undefined} patch of the mutant.
	 * @returns {Promise<{ id: string, file: string, problem?: string }>} an id of the source without the mutant, the .ko, and
	 *     why there is none.
	 */
	async build(name, patch) {
		const { arch, folder, kernel, output, root } = this.facts;
		const [source, work] = [join(root, DEVICE_MODULE), join(folder, name)];
		const [tree, file] = [join(work, 'tree'), join(work, 'fencepost_device.ko')];
		const copy = join(tree, DEVICE_MODULE);
		rmSync(work, { recursive: true, force: true });
		mkdirSync(copy, { recursive: true });
		const id = await copyModuleSource(source, copy, join(work, 'manifest.json'));
		const refused = patch && (await applyPatch(tree, patch));
		if (refused) return { id, file, problem: `does not apply: ${refused}` };
		try {
			await compileModule({ arch, selector: kernel, release: undefined }, output, source, copy, work, this.facts);
		} catch (error) {
			if (patch === undefined || error.blame !== 'test') throw error;
			return { id, file, problem: `does not build: ${error.evidence ?? error.message}` };
		}
		return { id, file };
	}
}
