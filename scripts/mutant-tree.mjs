// SPDX-License-Identifier: MIT
// A kernel's source of our own in the cache, to which one mutant at a time is applied. It is made once and stays, so
// that each mutant costs the few files it changes.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { $ } from 'zx';

export class MutantTree {
	/** @param {string} folder in the cache. */
	constructor(folder) {
		this.folder = folder;
		this.path = join(folder, 'tree');
	}

	/** Unpacks the source that is in a linux-source package, unless it is there already. */
	async prepare(deb, note) {
		const stamp = join(this.folder, 'unpacked');
		const wanted = `${basename(deb)}\n`;
		if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
		note(`unpacking ${basename(deb)}`);
		rmSync(this.folder, { recursive: true, force: true });
		mkdirSync(this.path, { recursive: true });
		const { stdout } = await $`dpkg-deb --fsys-tarfile ${deb} | tar --list | grep linux-source-.*[.]tar[.]xz`;
		await $`dpkg-deb --fsys-tarfile ${deb} | tar --extract --to-stdout ${stdout.trim()} |
			tar --extract --xz --strip-components=1 --directory ${this.path}`;
		writeFileSync(stamp, wanted);
	}

	/**
	 * Puts files back as they were unpacked: after a mutant, and before the first, in case that an earlier run was
	 * killed. What is put back is new to make, so that nothing built from a mutant stays.
	 */
	restore(files) {
		for (const file of files) {
			const [now, pristine] = [join(this.path, file), join(this.folder, 'pristine', file)];
			if (!existsSync(now)) throw new Error(`${file} is not in this kernel's source`);
			if (!existsSync(pristine)) {
				mkdirSync(dirname(pristine), { recursive: true });
				cpSync(now, pristine);
			} else if (!readFileSync(now).equals(readFileSync(pristine))) {
				cpSync(pristine, now);
			}
		}
	}

	/** @returns {Promise<string | undefined>} why the patch does not apply; undefined when it did. */
	async apply(patch) {
		const { exitCode, stdout, stderr } =
			await $`patch --directory ${this.path} --strip 1 --fuzz 0 --batch --no-backup-if-mismatch --input ${patch}`
				.nothrow()
				.quiet();
		return exitCode === 0 ? undefined : `${stdout}${stderr}`.trim();
	}
}
