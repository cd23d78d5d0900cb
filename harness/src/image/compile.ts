// SPDX-License-Identifier: MIT
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Arch, toolPrefix } from '../core/architectures.js';
import { errnoOf, FencepostError, infrastructureError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import { run } from '../core/process.js';
import type { Toolchain } from './toolchain.js';

/** A folder of C sources, as they are now. */
export interface SourceFolder {
	/** Relative to the root everything is compiled from, so that messages and __FILE__ are the same everywhere. */
	readonly path: string;
	/** The .c files, sorted, relative to the root. */
	readonly sources: readonly string[];
	/** Of the names and contents of all .c and .h files. */
	readonly id: string;
}

/** Flags of every guest program. Changing any of them changes every program's id. */
const CFLAGS = [
	...['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-fno-pie', '-fno-stack-protector'],
	...['-ffunction-sections', '-fdata-sections', '-fno-asynchronous-unwind-tables'],
] as const;
const LINK_FLAGS = [
	'-static',
	'-no-pie',
	'-nostdlib',
	'-nostartfiles',
	'-s',
	'-Wl,--gc-sections,--build-id=none',
] as const;

/** Without this gcc calls libgcc's run-time check for atomic instructions, which needs glibc. */
const ARCH_FLAGS: Readonly<Record<Arch, readonly string[]>> = { x86_64: [], arm64: ['-mno-outline-atomics'] };

/** The .c and .h files of a folder (not below it). @throws FencepostError SOURCES_MISSING when there is no such folder. */
export async function readSourceFolder(root: string, path: string): Promise<SourceFolder> {
	const names = await readdir(join(root, path)).catch((cause) => {
		throw infrastructureError('SOURCES_MISSING', `no folder ${join(root, path)}`, {
			hint: 'the installation is incomplete: clone it again, or run: npm run setup',
			cause,
		});
	});
	const files = names.filter((name) => /\.[ch]$/.test(name)).sort();
	const contents = await Promise.all(
		files.map(async (name) => [name, await readFile(join(root, path, name), 'latin1')] as const),
	);
	return {
		path,
		sources: files.filter((name) => name.endsWith('.c')).map((name) => join(path, name)),
		id: contentId(Object.fromEntries(contents)),
	};
}

/** The compiler's own version line. @throws FencepostError COMMAND_MISSING naming its package. */
export async function compilerVersion(toolchain: Toolchain, signal: AbortSignal): Promise<string> {
	const { stdout } = await run(toolchain.compiler, ['--version'], { signal, package: toolchain.compilerPackage });
	return stdout.split('\n')[0] ?? '';
}

/** What decides how a program comes out, beside its sources. */
export function flagsId(arch: Arch): string {
	return JSON.stringify([CFLAGS, LINK_FLAGS, ARCH_FLAGS[arch]]);
}

/**
 * Compiles a folder into one relocatable object, for others to link. With a folder of headers, `include`, it is a
 * suite, and what it defines is its own: two suites may use the same names.
 */
export async function compileObject(
	toolchain: Toolchain,
	root: string,
	folder: SourceFolder,
	output: string,
	signal: AbortSignal,
	include?: string,
): Promise<void> {
	const own = include === undefined ? [] : [`-I${include}`, '-fvisibility=hidden'];
	const words = [...(await compileFlags(toolchain, signal)), ...own, '-nostdlib', '-r', '-o', output];
	await compile(toolchain, root, folder.path, [...words, ...folder.sources], signal);
	if (include !== undefined) {
		const objcopy = `${toolPrefix(toolchain.arch)}objcopy`;
		await run(objcopy, ['--localize-hidden', output], { signal, package: toolchain.compilerPackage });
	}
}

/** Compiles a folder into a static, stripped program. @param more objects to link with it, and folders of headers. */
export async function compileProgram(
	toolchain: Toolchain,
	root: string,
	folder: SourceFolder,
	output: string,
	signal: AbortSignal,
	more: { readonly objects: readonly string[]; readonly include: readonly string[] } = { objects: [], include: [] },
): Promise<void> {
	const headers = more.include.map((path) => `-I${path}`);
	const inputs = linkWords(toolchain, [...folder.sources, ...more.objects], output);
	await compile(
		toolchain,
		root,
		folder.path,
		[...(await compileFlags(toolchain, signal)), ...headers, ...inputs],
		signal,
	);
}

/** Links objects into a static, stripped program. */
export async function linkProgram(
	toolchain: Toolchain,
	root: string,
	objects: readonly string[],
	output: string,
	signal: AbortSignal,
): Promise<void> {
	await compile(toolchain, root, 'suites', linkWords(toolchain, objects, output), signal);
}

function linkWords(toolchain: Toolchain, inputs: readonly string[], output: string): string[] {
	const lib = (name: string) => join(toolchain.directory, 'musl/lib', name);
	return [
		...LINK_FLAGS,
		...['-o', output, lib('crt1.o'), lib('crti.o')],
		...inputs,
		...[`-L${lib('')}`, '-lc', '-lgcc', lib('crtn.o')],
	];
}

async function compileFlags(toolchain: Toolchain, signal: AbortSignal): Promise<string[]> {
	const { stdout } = await run(toolchain.compiler, ['-print-file-name=include'], {
		signal,
		package: toolchain.compilerPackage,
	});
	const headers = [join(toolchain.directory, 'musl/include'), join(toolchain.directory, 'uapi'), stdout.trim()];
	return [...CFLAGS, ...ARCH_FLAGS[toolchain.arch], '-nostdinc', ...headers.flatMap((path) => ['-isystem', path])];
}

async function compile(
	toolchain: Toolchain,
	root: string,
	path: string,
	words: readonly string[],
	signal: AbortSignal,
): Promise<void> {
	try {
		// Messages of the compiler are evidence: they must not depend on the user's language.
		await run(toolchain.compiler, words, {
			cwd: root,
			signal,
			package: toolchain.compilerPackage,
			env: { LC_ALL: 'C' },
		});
	} catch (error) {
		if (!(error instanceof FencepostError) || error.code !== 'COMMAND_FAILED') throw error;
		const full = /No space left on device/.test(error.evidence ?? '') || errnoOf(error) === 'ENOSPC';
		throw infrastructureError(
			full ? 'DISK_FULL' : 'SUITE_BUILD_FAILED',
			`${path} does not compile for ${toolchain.arch}`,
			{ hint: full ? 'free some space' : undefined, evidence: error.evidence, cause: error },
		);
	}
}
