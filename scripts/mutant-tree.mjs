// SPDX-License-Identifier: MIT
// A view of a kernel's source to which one mutant at a time is applied: links into the source, which is never written
// to, around copies of the files that some mutant changes.
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { $ } from 'zx';
import { linkAround, putIfDifferent } from '../harness/dist/src/kernel/patched-source.js';

export class MutantTree {
	/**
	 * @param {string} source never written to.
	 * @param {string} path of the view; nobody else may use it.
	 * @param {readonly string[]} files that mutants change, relative to the source.
	 */
	constructor(source, path, files) {
		this.source = source;
		this.path = path;
		this.files = files;
	}

	/** Shows the source without a mutant, whatever an earlier run that was killed has left. */
	async prepare() {
		mkdirSync(this.path, { recursive: true });
		// What was a file of ours stays one, so that it is newer than what may have been built from a mutant of it.
		const ours = readdirSync(this.path, { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map((entry) => relative(this.path, join(entry.parentPath, entry.name)));
		this.files = [...new Set([...this.files, ...ours.filter((file) => existsSync(join(this.source, file)))])];
		await linkAround(this.source, this.path, this.files);
		await this.restore();
	}

	/** Takes a mutant away. What it changed is new to make then, so that nothing built from it stays. */
	async restore() {
		const copy = `${this.path}.copy`;
		for (const file of this.files) {
			mkdirSync(dirname(join(this.path, file)), { recursive: true });
			copyFileSync(join(this.source, file), copy);
			await putIfDifferent(copy, join(this.path, file));
		}
		await rm(copy, { force: true });
	}

	/** @returns {Promise<string | undefined>} why the patch does not apply; undefined when it did. */
	apply(patch) {
		return applyPatch(this.path, patch);
	}
}

/** @returns {Promise<string | undefined>} why the patch does not apply to what is in the folder; undefined when it did. */
export async function applyPatch(folder, patch) {
	const { exitCode, stdout, stderr } =
		await $`patch --directory ${folder} --strip 1 --fuzz 0 --batch --no-backup-if-mismatch --input ${patch}`
			.nothrow()
			.quiet();
	return exitCode === 0 ? undefined : `${stdout}${stderr}`.trim();
}
