// SPDX-License-Identifier: MIT
// The hostile programs of programs/, compiled like suites are, with the module for what only a kernel can do; and the
// impostor that stands in for the agent.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { projectRoot } from '../../src/cli/project.js';
import type { Arch } from '../../src/core/architectures.js';
import type { Cache } from '../../src/core/cache.js';
import type { Progress } from '../../src/core/progress.js';
import { parseKernelSelector } from '../../src/core/selector.js';
import { compileObject, compileProgram, readSourceFolder, type SourceFolder } from '../../src/image/compile.js';
import { ensureToolchain, type Toolchain } from '../../src/image/toolchain.js';
import type { BuiltProgram } from '../../src/image/workshop.js';
import { fetchDebianPackage } from '../../src/kernel/fetch.js';
import { buildModule } from '../../src/kernel/module-build.js';
import { resolveKernel } from '../../src/kernel/resolve.js';

export const KERNEL = 'source:6.12';

const SOURCES = 'harness/test/live/programs';
const AGENT = 'guest/agent';

export interface Characters {
	/** One program that plays the character which its first argument names. */
	readonly hostile: BuiltProgram;
	/** An agent that speaks the protocol, but for one fault. */
	readonly impostor: BuiltProgram;
}

interface Workplace {
	readonly cache: Cache;
	readonly progress: Progress;
}

/** Compiles both for an architecture into a folder. */
export async function buildCharacters(arch: Arch, directory: string, place: Workplace): Promise<Characters> {
	const { cache, progress } = place;
	mkdirSync(directory, { recursive: true });
	const fetch = (name: string, debianArch: string) =>
		fetchDebianPackage(name, debianArch, { cache, progress, projectRoot });
	const toolchain = await ensureToolchain(cache, arch, fetch, progress);
	const built = (name: string): BuiltProgram => ({ name, path: join(directory, name), id: name, cases: undefined });
	const hostile = built('hostile');
	const impostor = built('impostor');
	const wreck = embed(toolchain, await buildWreck(arch, place), join(directory, 'wreck-module'));
	const frames = join(directory, 'frames.o');
	const agent = await readSourceFolder(projectRoot, AGENT);
	const signal = progress.signal;
	await compileObject(toolchain, projectRoot, only(agent, /\/frame\.c$/), frames, signal);
	const characters = await readSourceFolder(projectRoot, `${SOURCES}/hostile`);
	const linked = { objects: [wreck, frames], include: [AGENT] };
	await compileProgram(toolchain, projectRoot, characters, hostile.path, signal, linked);
	const pretender = await readSourceFolder(projectRoot, `${SOURCES}/impostor`);
	const { sources } = only(agent, /\/(accounts|clock|facts|frame|hardware|heaps|ion|log|mount|pairs|port|text)\.c$/);
	const whole = { ...pretender, sources: [...pretender.sources, ...sources] };
	await compileProgram(toolchain, projectRoot, whole, impostor.path, signal, { objects: [], include: [AGENT] });
	return { hostile, impostor };
}

/** Some of a folder's sources. */
function only(folder: SourceFolder, names: RegExp): SourceFolder {
	return { ...folder, sources: folder.sources.filter((path) => names.test(path)) };
}

/** The module that breaks its kernel, built against the kernel it is to break. @returns its file */
async function buildWreck(arch: Arch, { cache, progress }: Workplace): Promise<string> {
	const selector = parseKernelSelector(KERNEL, 'the hostile suite');
	const kernel = await resolveKernel(selector, arch, { cache, progress, projectRoot, forModules: true });
	const { modules } = await buildModule(kernel, resolve(projectRoot, SOURCES, 'wreck'), { cache, progress });
	const [module] = modules;
	if (!module) throw new Error('the module wreck is one module');
	return module.file;
}

/** A file as an object to be linked. @returns the object's path */
function embed({ compiler }: Toolchain, file: string, path: string): string {
	const lines = ['.section .note.GNU-stack', '.section .rodata', '.globl wreck_begin, wreck_end'];
	writeFileSync(`${path}.s`, [...lines, 'wreck_begin:', `.incbin "${file}"`, 'wreck_end:', '.byte 0', ''].join('\n'));
	execFileSync(compiler, ['-c', '-o', `${path}.o`, `${path}.s`]);
	return `${path}.o`;
}
