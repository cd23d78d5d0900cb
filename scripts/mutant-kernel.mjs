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

/**
 * By which variable the top Makefile is told where to descend, what that is by itself, and the file that it has to make
 * anew when no folder above has told make that something below it is new. Up to 5.10 it goes into each folder at the top.
 */
const DESCENTS = [
	{ variable: 'build-dir', usual: '.', links: 'vmlinux.a' },
	{ variable: 'build-dirs', usual: '$(vmlinux-dirs)', links: 'vmlinux' },
];

function descentOf(source) {
	const lines = readFileSync(join(source, 'Makefile'), 'utf8').split('\n');
	return DESCENTS.find(({ variable, usual }) => lines.includes(`${variable}\t:= ${usual}`));
}

/**
 * Arguments by which make builds folders of the kernel, before anything that comes after them, and no others. The
 * variable means something else to the Makefiles of the kernel's tools.
 */
const descendInto = (variable, folders, output) => [
	'-j1',
	`--eval=$(if $(filter ${output},$(CURDIR)),$(eval override ${variable} := ${folders.join(' ')}))`,
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
		const descent = folders.includes('.') ? undefined : descentOf(place.source);
		const goals = descent ? [...descendInto(descent.variable, folders, place.output), target] : [target];
		if (descent) rmSync(join(place.output, descent.links), { force: true });
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
