// SPDX-License-Identifier: MIT
// Builds the kernel of a mutants' tree: whole once, and then again and again with one file changed.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseRelease } from '../harness/dist/src/core/release.js';
import { fragmentFiles } from '../harness/dist/src/kernel/catalogue.js';
import { compile, compilerWords, installImage } from '../harness/dist/src/kernel/compile.js';
import { configure, readFragments } from '../harness/dist/src/kernel/configure.js';
import { KBUILD, kernelImage } from '../harness/dist/src/kernel/kbuild.js';
import { make } from '../harness/dist/src/kernel/make.js';
import { findToolchain } from '../harness/dist/src/kernel/toolchain.js';

/** Whether the top Makefile descends once, from the top: not so in 5.10, which goes into each folder at the top. */
const descendsOnce = (source) => /^build-dir\s*:= \.$/m.test(readFileSync(join(source, 'Makefile'), 'utf8'));

/**
 * Arguments by which make builds folders of the kernel, before anything that comes after them, and no others:
 * `build-dir` is where the top Makefile descends. It means something else to the Makefiles of the kernel's tools.
 */
const descendInto = (folders, output) => [
	'-j1',
	`--eval=$(if $(filter ${output},$(CURDIR)),$(eval override build-dir := ${folders.join(' ')}))`,
	...folders,
];

export class MutantKernels {
	/** Folders of the source with files that changed since they were last compiled. */
	#stale = new Set();

	/** @param facts what a kernel room's context holds, `tree`, `arch`, `profile`, `output` (kbuild's O=) and `version` of the source. */
	constructor(facts) {
		this.facts = facts;
	}

	/** Configures and builds everything. @param {string} image where the kernel goes. */
	async buildWhole(image) {
		const { arch, cache, catalogue, output, profile, progress, projectRoot, tree, version } = this.facts;
		const toolchain = await findToolchain(arch, progress.signal);
		this.place = { arch, source: tree.path, output, toolchain, cacheRoot: cache.root, signal: progress.signal };
		const options = await readFragments(fragmentFiles(catalogue, projectRoot, profile, arch));
		this.config = await configure(this.place, options, parseRelease(version));
		await compile(this.place, this.config, basename(output), cache, progress);
		await installImage(this.place, this.config, image, progress);
	}

	/** Says that files of the tree are not what they were; `build` need not look for them. */
	changed(files) {
		const others = Object.values(KBUILD).filter(({ folder }) => folder !== KBUILD[this.place.arch].folder);
		for (const file of files) {
			// A mutant for several architectures changes a file of each.
			if (others.some(({ folder }) => file.startsWith(`arch/${folder}/`))) continue;
			this.#stale.add(this.#folderOf(file));
		}
	}

	/**
	 * Builds what changed, where kbuild is told to look for it and nowhere else, if it can be told: that is half of what a
	 * build with one changed file takes.
	 * @returns {Promise<string | undefined>} why it does not build.
	 */
	async build(image) {
		const { place, config } = this;
		const { target } = kernelImage(place.arch, config);
		const folders = [...this.#stale];
		const everywhere = folders.includes('.') || !descendsOnce(place.source);
		const goals = everywhere ? [target] : [...descendInto(folders, place.output), target];
		// Links again: no folder above has told make that something in it is new.
		rmSync(join(place.output, 'vmlinux.a'), { force: true });
		try {
			await make(place, goals);
			await installImage(place, config, image, this.facts.progress);
		} catch (error) {
			if (error.code !== 'COMMAND_FAILED') throw error;
			return `does not build: ${compilerWords(error.evidence.split('\n')).slice(0, 5).join('\n')}`;
		}
		this.#stale.clear();
		return undefined;
	}

	/** The folder that kbuild descends into for a file; the top for what other folders may include. */
	#folderOf(file) {
		const folder = dirname(file);
		const builds = ['Makefile', 'Kbuild'].some((name) => existsSync(join(this.place.source, folder, name)));
		return file.endsWith('.c') && builds ? folder : '.';
	}
}
