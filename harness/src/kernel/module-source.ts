// SPDX-License-Identifier: MIT
import { lstat, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { errnoOf, usageError } from '../core/errors.js';
import { contentId, sha256 } from '../core/hash.js';

const MAX_FILES = 2000;
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 16;

/** What kbuild leaves behind where it builds: made for another kernel, and not part of the source. */
const PRODUCT = /\.(?:o|ko|mod|mod\.c)$|^(?:modules\.order|Module\.symvers)$/;

/** What a module's folder is called in the names of cases. */
export function moduleFolderName(directory: string): string {
	return basename(directory).replace(/[^A-Za-z0-9_.-]/g, '_') || 'module';
}

/** Refuses what cannot be a module's source, before anything is built. @throws usage errors. */
export async function checkModuleFolder(directory: string): Promise<void> {
	const refuse = (code: string, what: string) =>
		usageError(
			code,
			`--module: ${directory} ${what}`,
			'accepted: a folder that holds the source of a kernel module, with a Kbuild or a Makefile that says obj-m (docs/modules.md)',
		);
	const facts = await stat(directory).catch((error: unknown) => {
		throw refuse('MODULE_FOLDER', `cannot be read (${errnoOf(error) ?? String(error)})`);
	});
	if (!facts.isDirectory()) throw refuse('MODULE_FOLDER', 'is no folder');
	const names = await readdir(directory);
	if (!names.includes('Kbuild') && !names.includes('Makefile')) {
		throw refuse('MODULE_WITHOUT_KBUILD', 'has neither a Kbuild nor a Makefile');
	}
	await listFiles(directory);
}

interface SourceFile {
	/** Relative to the module's folder. */
	readonly path: string;
	readonly executable: boolean;
}

const MANIFEST = z.record(z.string(), z.string());

/**
 * Makes `copy` hold what the module's folder holds now, and writes only what differs, so that kbuild does only what
 * is new. The user's folder is read and never written to. Links are followed; what is neither file nor folder,
 * hidden or built is left out.
 * @param manifest file that remembers what was copied
 * @returns an id of the content. @throws usage error for a folder that is too large.
 */
export async function copyModuleSource(directory: string, copy: string, manifest: string): Promise<string> {
	const before = MANIFEST.safeParse(JSON.parse(await readFile(manifest, 'utf8').catch(() => '{}')));
	const known = before.success ? before.data : {};
	const now: Record<string, string> = {};
	let bytes = 0;
	for (const { path, executable } of await listFiles(directory)) {
		const content = await readFile(join(directory, path));
		bytes += content.length;
		if (bytes > MAX_BYTES) throw tooLarge(directory);
		const digest = `${executable ? 'program' : 'file'} ${sha256(content)}`;
		now[path] = digest;
		const target = join(copy, path);
		if (known[path] === digest && (await lstat(target).catch(() => undefined))?.isFile()) continue;
		await mkdir(dirname(target), { recursive: true });
		await rm(target, { recursive: true, force: true });
		await writeFile(target, content, { mode: executable ? 0o755 : 0o644 });
	}
	for (const path of Object.keys(known)) {
		if (now[path] === undefined) await rm(join(copy, path), { recursive: true, force: true });
	}
	await writeFile(manifest, JSON.stringify(now));
	return contentId(now);
}

async function listFiles(directory: string): Promise<SourceFile[]> {
	const found: SourceFile[] = [];
	let bytes = 0;
	/** @param above real paths of the folders that lead here: a link to one of them is a circle. */
	const visit = async (folder: string, above: readonly string[]): Promise<void> => {
		const real = await realpath(join(directory, folder));
		if (above.includes(real)) return;
		for (const name of (await readdir(real)).sort()) {
			if (name.startsWith('.') || PRODUCT.test(name)) continue;
			const path = join(folder, name);
			const facts = await stat(join(directory, path)).catch(() => undefined);
			if (facts?.isDirectory() && above.length < MAX_DEPTH) await visit(path, [...above, real]);
			if (!facts?.isFile()) continue;
			found.push({ path, executable: (facts.mode & 0o111) !== 0 });
			bytes += facts.size;
			if (found.length > MAX_FILES || bytes > MAX_BYTES) throw tooLarge(directory);
		}
	};
	await visit('', []);
	return found;
}

function tooLarge(directory: string) {
	return usageError(
		'MODULE_TOO_LARGE',
		`--module: ${directory} holds more than ${MAX_FILES} files or ${MAX_BYTES / 1024 / 1024} MiB`,
		'name the folder of the module alone, not the tree around it',
	);
}
