// SPDX-License-Identifier: MIT
import { chmod, open, readdir, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { infrastructureError } from '../core/errors.js';

// kbuild's own programs (modpost, objtool, fixdep) come from the same release of Debian as a stock kernel, which need not be
// this machine's: they are run by the C library of their own release, from a folder beside them.

/** Packages with the libraries that kbuild's programs need: how names begin, and what they may be. */
export const TOOL_LIBRARIES = [
	{ prefix: 'libc6', name: /^libc6$/ },
	{ prefix: 'libelf1', name: /^libelf1(?:t64)?$/ },
	{ prefix: 'zlib1g', name: /^zlib1g$/ },
	{ prefix: 'libzstd1', name: /^libzstd1$/ },
] as const;

/** Which of several programs for one task is meant: Debian has one for each kind of object file. */
const VARIANTS = ['.real-lsb-64', '.real-x86', ''];

const ELF_MAGIC = '\x7fELF';

/** Whether a file is a library, or what loads them: `libc.so.6`, `libelf-0.192.so`, `ld-linux-x86-64.so.2`. */
export function isLibrary(name: string): boolean {
	return /^(?:lib|ld).*\.so(?:\.[\d.]+)?$/.test(name);
}

/**
 * Puts a script in the place of each program below `folder` that runs it with the libraries in `libraries`. Both may be
 * moved together afterwards.
 * @throws when the loader of programs (ld.so(8)) is not among the libraries
 */
export async function runWithLibraries(folder: string, libraries: string): Promise<void> {
	const loader = (await readdir(libraries)).find((name) => /^ld-linux.*\.so/.test(name));
	if (loader === undefined) throw infrastructureError('TOOLS_UNUSABLE', `no loader of programs in ${libraries}`);
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	for (const entry of entries) {
		if (!entry.isFile() || entry.name.includes('.real-')) continue;
		const program = join(entry.parentPath, entry.name);
		if (!(await isElf(program))) continue;
		await rename(program, `${program}.elf`);
		const siblings = new Set(await readdir(entry.parentPath));
		const variant = VARIANTS.find((suffix) => siblings.has(`${entry.name}${suffix}`)) ?? '.elf';
		const up = relative(entry.parentPath, libraries);
		await writeFile(
			program,
			[
				'#!/bin/sh',
				`here="\${0%/*}"`,
				`exec "$here/${up}/${loader}" --library-path "$here/${up}" "$here/${entry.name}${variant}" "$@"`,
				'',
			].join('\n'),
		);
		await chmod(program, 0o755);
	}
}

async function isElf(path: string): Promise<boolean> {
	const file = await open(path);
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
		return buffer.toString('latin1', 0, bytesRead) === ELF_MAGIC;
	} finally {
		await file.close();
	}
}
