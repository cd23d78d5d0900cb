// SPDX-License-Identifier: MIT
// The hostile programs of programs/, compiled like suites are, with the module for what only a kernel can do.
import { execFileSync } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { projectRoot } from '../../src/cli/project.js';
import { type Arch, hostArch, toolPrefix } from '../../src/core/architectures.js';
import { Cache } from '../../src/core/cache.js';
import { Progress } from '../../src/core/progress.js';
import { parseKernelSelector } from '../../src/core/selector.js';
import { compileObject, compileProgram, readSourceFolder, type SourceFolder } from '../../src/image/compile.js';
import { ensureToolchain, type Toolchain } from '../../src/image/toolchain.js';
import { fetchDebianPackage } from '../../src/kernel/fetch.js';
import { resolveKernel } from '../../src/kernel/resolve.js';

export const KERNEL = 'source:6.12';

const SOURCES = 'harness/test/live/programs';
/** Hostile programs may not outlive the test that made them. */
const never = new AbortController().signal;
const cache = new Cache();
const progress = new Progress('hostile', never);
const kernelContext = { cache, progress, projectRoot };

/** kbuild's name of an architecture. */
const KBUILD_ARCH: Readonly<Record<Arch, string>> = { x86_64: 'x86', arm64: 'arm64' };

function toolchainOf(arch: Arch): Promise<Toolchain> {
	const fetch = (name: string, debianArch: string) => fetchDebianPackage(name, debianArch, kernelContext);
	return ensureToolchain(cache, arch, fetch, progress);
}

/** Some of the agent's own sources, to be linked with programs that speak its language. */
async function agentSources(choose: (name: string) => boolean): Promise<SourceFolder> {
	const folder = await readSourceFolder(projectRoot, 'guest/agent');
	return { ...folder, sources: folder.sources.filter((path) => choose(path.replace('guest/agent/', ''))) };
}

/** The module that breaks its kernel, built against the kernel it is to break. */
async function buildWreck(arch: Arch, directory: string): Promise<string> {
	const kernel = await resolveKernel(parseKernelSelector(KERNEL, 'the hostile suite'), arch, kernelContext);
	if (!kernel.buildDirectory) throw new Error(`${KERNEL} for ${arch} has no build folder any more`);
	const folder = join(directory, 'wreck');
	cpSync(resolve(projectRoot, SOURCES, 'wreck'), folder, { recursive: true });
	const cross = arch === hostArch ? [] : [`CROSS_COMPILE=${toolPrefix(arch)}`];
	const words = ['-s', '-C', kernel.buildDirectory, `ARCH=${KBUILD_ARCH[arch]}`, ...cross, `M=${folder}`, 'modules'];
	execFileSync('make', words, { stdio: ['ignore', 'ignore', 'inherit'] });
	return join(folder, 'wreck.ko');
}

/** Puts one program into a folder of `directory`, under the name of each character in it. @returns path by name */
export async function buildCharacters(
	arch: Arch,
	directory: string,
	names: readonly string[],
): Promise<(name: string) => string> {
	const toolchain = await toolchainOf(arch);
	const scratch = join(directory, `${arch}-scratch`);
	const folder = join(directory, arch);
	mkdirSync(scratch, { recursive: true });
	mkdirSync(folder, { recursive: true });
	const wreck = await buildWreck(arch, scratch);
	const embedded = join(scratch, 'wreck-module');
	writeFileSync(
		`${embedded}.s`,
		`.section .note.GNU-stack\n.section .rodata\n.globl wreck_begin, wreck_end\nwreck_begin:\n.incbin "${wreck}"\nwreck_end:\n.byte 0\n`,
	);
	execFileSync(toolchain.compiler, ['-c', '-o', `${embedded}.o`, `${embedded}.s`]);
	const frames = join(scratch, 'frames.o');
	await compileObject(toolchain, projectRoot, await agentSources((name) => name === 'frame.c'), frames, never);
	const program = join(scratch, 'hostile');
	await compileProgram(
		toolchain,
		projectRoot,
		await readSourceFolder(projectRoot, `${SOURCES}/hostile`),
		program,
		never,
		{
			objects: [`${embedded}.o`, frames],
			include: ['guest/agent'],
		},
	);
	for (const name of names) linkSync(program, join(folder, name));
	return (name) => join(folder, name);
}

/** A checkout like this one, whose agent is the impostor. */
export function impostorCheckout(directory: string): string {
	const root = join(directory, 'checkout');
	cpSync(join(projectRoot, 'harness/dist/src'), join(root, 'harness/dist/src'), { recursive: true });
	cpSync(join(projectRoot, 'guest/agent'), join(root, 'guest/agent'), { recursive: true });
	rmSync(join(root, 'guest/agent/main.c'));
	cpSync(join(projectRoot, SOURCES, 'impostor'), join(root, 'guest/agent'), { recursive: true });
	for (const name of ['kernels', 'suites', 'node_modules', 'package.json']) {
		symlinkSync(join(projectRoot, name), join(root, name));
	}
	return root;
}
