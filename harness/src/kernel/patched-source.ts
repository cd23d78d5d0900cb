// SPDX-License-Identifier: MIT
import { copyFile, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cache } from '../core/cache.js';
import { errnoOf, FencepostError, infrastructureError } from '../core/errors.js';
import { run } from '../core/process.js';
import type { KernelPatch } from './patch.js';
import { withWorkFolder } from './work-folder.js';

/** A kernel's source with our patches, as a build sees it. */
export interface PatchedSource {
	readonly path: string;
	/** The patches that the source needed. */
	readonly applied: readonly KernelPatch[];
}

/**
 * Shows a source with patches applied, and leaves the source alone: `view` becomes a folder of symbolic links into
 * it, in which only the patched files are files. It is brought up to date each time; a patched file that comes out
 * as it was keeps its time, so that nothing is built anew for it. Nobody else may use `view` meanwhile.
 * @throws infrastructure error when a patch does not apply.
 */
export async function patchedSource(
	source: string,
	patches: readonly KernelPatch[],
	view: string,
	cache: Cache,
	signal: AbortSignal,
): Promise<PatchedSource> {
	const applied: KernelPatch[] = [];
	for (const patch of patches) {
		const { unless } = patch;
		if (unless?.pattern.test(await readFile(join(source, unless.file), 'utf8').catch(() => ''))) continue;
		applied.push(patch);
	}
	if (applied.length === 0) return { path: source, applied };
	const files = [...new Set(applied.flatMap(({ touches }) => touches))];
	await withWorkFolder(cache, 'patch', async (scratch) => {
		await applyPatches(source, applied, files, scratch, signal);
		await linkAround(source, view, files);
		for (const file of files) await putIfDifferent(join(scratch, file), join(view, file));
	});
	return { path: view, applied };
}

async function applyPatches(
	source: string,
	patches: readonly KernelPatch[],
	files: readonly string[],
	scratch: string,
	signal: AbortSignal,
): Promise<void> {
	for (const file of files) {
		await mkdir(dirname(join(scratch, file)), { recursive: true });
		await copyFile(join(source, file), join(scratch, file)).catch((error: unknown) => {
			if (errnoOf(error) !== 'ENOENT') throw error;
		});
	}
	for (const patch of patches) {
		try {
			await run(
				'patch',
				[
					'--directory',
					scratch,
					'--strip',
					'1',
					'--fuzz',
					'0',
					'--batch',
					'--no-backup-if-mismatch',
					'--input',
					patch.file,
				],
				{ signal, package: 'patch', env: { LC_ALL: 'C' } },
			);
		} catch (error) {
			if (!(error instanceof FencepostError) || error.code !== 'COMMAND_FAILED') throw error;
			throw infrastructureError('PATCH_REFUSED', `kernels/patches/${patch.name}.patch does not apply to ${source}`, {
				hint: `the patch ${patch.does}; make that change in the tree by hand, and it is left out`,
				evidence: error.evidence,
				cause: error,
			});
		}
	}
}

/** Makes the folders in `view` that lead to `files`, and in each a link to everything else that the source has there. */
export async function linkAround(source: string, view: string, files: readonly string[]): Promise<void> {
	const folders = new Set<string>(['.']);
	for (const file of files) {
		for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) folders.add(folder);
	}
	for (const folder of [...folders].sort((a, b) => a.length - b.length)) {
		const own = (name: string) => folders.has(join(folder, name)) || files.includes(join(folder, name));
		const [from, to] = [join(source, folder), join(view, folder)];
		await asFolder(to);
		// Not the repository: what is shown here is not what it holds.
		const wanted = (await readdir(from)).filter((name) => !own(name) && name !== '.git');
		for (const name of await readdir(to)) {
			if (!own(name) && !wanted.includes(name)) await rm(join(to, name), { recursive: true, force: true });
		}
		for (const name of wanted) await linkTo(join(from, name), join(to, name));
	}
}

async function asFolder(path: string): Promise<void> {
	const facts = await lstat(path).catch(() => undefined);
	if (facts?.isDirectory()) return;
	if (facts) await rm(path);
	await mkdir(path, { recursive: true });
}

async function linkTo(target: string, path: string): Promise<void> {
	if ((await readlink(path).catch(() => undefined)) === target) return;
	await rm(path, { recursive: true, force: true });
	await symlink(target, path);
}

/** Moves a file to where another may be; one that has the same contents keeps its place and its time. */
export async function putIfDifferent(from: string, to: string): Promise<void> {
	const facts = await lstat(to).catch(() => undefined);
	const same = facts?.isFile() && (await readFile(to)).equals(await readFile(from));
	if (same) return;
	await rm(to, { recursive: true, force: true });
	await rename(from, to);
}
