// SPDX-License-Identifier: MIT
import { mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Cache } from '../core/cache.js';
import { FencepostError, infrastructureError } from '../core/errors.js';
import { contentId, sha256 } from '../core/hash.js';
import { withLock } from '../core/lock.js';
import { run, tail } from '../core/process.js';
import type { Progress } from '../core/progress.js';
import { compilerWords, firstError } from './compile.js';
import { withRoomFor } from './disk-full.js';
import { moduleBuildLock } from './kept.js';
import type { Kernel } from './kernel.js';
import { type BuildPlace, make } from './make.js';
import { copyModuleSource, moduleFolderName } from './module-source.js';
import type { ModuleFile } from './modules.js';
import { isBuiltIn } from './published.js';
import { withBuildLock } from './recipe.js';
import { findToolchain } from './toolchain.js';

/** Changes when the way modules are built here changes what comes out. */
const MODULE_VERSION = '1';

/** A module's build ends by itself; what does not (a Makefile that waits for something) is ended after this. */
const BUILD_MS = 10 * 60_000;

const KEPT_LINES = 400;
const KEPT_WARNINGS = 5;

/** An out-of-tree module, built for one kernel. */
export interface BuiltModule {
	/** The folder's name: what its cases are called by. */
	readonly name: string;
	/** The user's folder. */
	readonly directory: string;
	/** What to load, in this order. */
	readonly modules: readonly ModuleFile[];
	/** What the compiler warned of. */
	readonly notes: readonly string[];
}

const INFO = z.object({ modules: z.array(z.string().regex(/^[\w-]+$/)).min(1), warnings: z.array(z.string()) });

/**
 * Builds the module in a folder against a kernel that has a build folder, the way `make -C BUILD M=COPY modules` does;
 * or finds it in the cache. The folder itself is never written to.
 * @param kernel resolved with `forModules`
 * @throws FencepostError: `test` when the module does not build, with the compiler's words; `infrastructure` for a kernel
 * without a build folder
 */
export async function buildModule(
	kernel: Kernel,
	directory: string,
	context: { readonly cache: Cache; readonly progress: Progress },
): Promise<BuiltModule> {
	const { cache, progress } = context;
	const output = kernel.buildDirectory;
	if (output === undefined) {
		throw infrastructureError(
			'MODULE_NEEDS_BUILT_KERNEL',
			`no module can be built against ${kernel.selector}: ${kernel.whyNoBuildDirectory ?? 'it was not built here'}`,
			{ hint: 'choose a kernel that is built, source:VERSION or tree:PATH, or a stock one, debian:VERSION' },
		);
	}
	const name = moduleFolderName(directory);
	const work = cache.workPath('module-builds', `${name}-${sha256(directory).slice(0, 12)}-${kernel.id.slice(0, 12)}`);
	// The kernel's build folder must stay as it is, and the copy is this folder's alone, for as long as it takes.
	return withBuildLock(
		basename(output),
		() =>
			withModuleFolder(work, cache, progress, async () => {
				if (!(await isBuiltIn(output, kernel.id))) {
					throw infrastructureError('BUILD_FOLDER_GONE', `${output} no longer holds ${kernel.selector}`, {
						hint: 'another run builds another kernel there; run again',
					});
				}
				const copy = join(work, 'source');
				const unfinished = join(work, 'unfinished');
				if (await stat(unfinished).catch(() => undefined)) await rm(work, { recursive: true, force: true });
				await mkdir(copy, { recursive: true });
				await writeFile(unfinished, '');
				const source = await copyModuleSource(directory, copy, join(work, 'manifest.json'));
				// A stock kernel's id says nothing of our compiler; the name of its build folder does.
				const id = contentId({ kernel: kernel.id, built: basename(output), source, version: MODULE_VERSION });
				const entry = await cache
					.entry('modules', id, progress, (folder) =>
						progress.phase('module', () => compileModule(kernel, output, directory, copy, folder, context), name),
					)
					// What a compiler that was killed left behind cannot be built on; what it refused can.
					.finally(() => (progress.signal.aborted ? undefined : rm(unfinished)));
				const { modules, warnings } = INFO.parse(entry.info);
				return {
					name,
					directory,
					modules: modules.map((module) => ({
						name: module.replaceAll('-', '_'),
						file: join(entry.path, `${module}.ko`),
					})),
					notes: warnings.map((line) => `${name}: ${line}`),
				};
			}),
		cache,
		progress,
	);
}

/** Has a module's folder to itself: builds of one module against kernels that share a build folder take turns already. */
function withModuleFolder<T>(folder: string, cache: Cache, progress: Progress, work: () => Promise<T>): Promise<T> {
	const lock = cache.workPath('locks', moduleBuildLock(basename(folder)));
	return withLock(lock, () => withRoomFor(cache.root, work), progress.signal);
}

/**
 * Compiles the module in `copy` against the kernel in the build folder `output`; its .ko files go to `folder`.
 * @param directory what messages call it
 */
export async function compileModule(
	kernel: Pick<Kernel, 'arch' | 'selector' | 'release'>,
	output: string,
	directory: string,
	copy: string,
	folder: string,
	{ cache, progress }: { readonly cache: Cache; readonly progress: Progress },
): Promise<z.infer<typeof INFO>> {
	const toolchain = await findToolchain(kernel.arch, progress.signal);
	const place: BuildPlace = {
		arch: kernel.arch,
		source: await realpath(join(output, 'source')),
		output,
		toolchain,
		cacheRoot: cache.root,
		signal: progress.signal,
	};
	const said: string[] = [];
	const inUsersWords = (line: string) => line.replaceAll(copyPaths(copy), `${directory}/`);
	const hear = (line: string) => {
		if (line.trim() === '' || /^make(?:\[\d+\])?: (?:Entering|Leaving)/.test(line)) return;
		said.push(inUsersWords(line).slice(0, 500));
		if (said.length > KEPT_LINES) said.shift();
	};
	try {
		// Where the copy lies is nobody's business: not what __FILE__ says in a kernel's warning, nor part of the module.
		await make(place, ['modules'], { M: copy, KCFLAGS: `-fmacro-prefix-map=${copy}/=` }, hear, BUILD_MS);
	} catch (error) {
		throw moduleError(error, kernel, directory, said);
	}
	const names = await builtNames(copy);
	if (names.length === 0) {
		throw failed(`${directory} makes no module for ${kernel.selector} (${kernel.arch})`, {
			hint: 'its Kbuild or Makefile must say obj-m += NAME.o, whatever the configuration',
			evidence: tail(said.join('\n'), 10) || undefined,
		});
	}
	for (const { name, file } of names) {
		await run(`${toolchain.prefix}objcopy`, ['--strip-debug', file, join(folder, `${name}.ko`)], {
			signal: progress.signal,
			package: 'binutils',
		});
	}
	return {
		modules: names.map(({ name }) => name),
		warnings: said.filter((line) => /\bwarning:/i.test(line)).slice(0, KEPT_WARNINGS),
	};
}

/** The copy's folder as the compiler may name it: ccache makes paths relative. */
function copyPaths(copy: string): RegExp {
	const [folder, name] = [basename(join(copy, '..')), basename(copy)];
	return new RegExp(`[^\\s:"'\`[(]*module-builds/${folder.replace(/[.]/g, '\\.')}/${name}/`, 'g');
}

/** What was built, in the order of modules.order: it names each `.o` (from 6.2) or `.ko`, below M or by its whole path. */
async function builtNames(copy: string): Promise<{ name: string; file: string }[]> {
	const order = await readFile(join(copy, 'modules.order'), 'utf8').catch(() => '');
	return order
		.split('\n')
		.map((line) => line.trim().replace(/\.(?:o|ko)$/, ''))
		.filter((line) => line !== '')
		.map((line) => ({ name: basename(line), file: `${line.startsWith('/') ? line : join(copy, line)}.ko` }));
}

function failed(message: string, more: { hint?: string | undefined; evidence?: string | undefined; cause?: unknown }) {
	return new FencepostError({ code: 'MODULE_BUILD_FAILED', blame: 'test', message, ...more });
}

function moduleError(
	error: unknown,
	kernel: Pick<Kernel, 'arch' | 'selector' | 'release'>,
	directory: string,
	said: readonly string[],
): unknown {
	if (!(error instanceof FencepostError)) return error;
	const against = `${kernel.selector} (${kernel.arch}${kernel.release === undefined ? '' : `, ${kernel.release}`})`;
	if (error.code === 'COMMAND_TIMEOUT') {
		return failed(`${directory} does not build against ${against} within ${BUILD_MS / 60_000} minutes`, {
			evidence: tail(said.join('\n')),
			cause: error,
		});
	}
	if (error.code !== 'COMMAND_FAILED') return error;
	const text = said.join('\n');
	if (/No space left on device|Disk quota exceeded|Killed signal terminated program|Cannot allocate memory/.test(text))
		return infrastructureError(error.code, error.message, { evidence: tail(text), cause: error });
	const words = compilerWords(said);
	const first = firstError(words);
	return failed(`${directory} does not build against ${against}${first === undefined ? '' : `: ${first}`}`, {
		hint: buildHint(text),
		evidence: words.join('\n'),
		cause: error,
	});
}

/** What helps with the two things that are seldom the driver's own fault. */
function buildHint(text: string): string | undefined {
	if (/"dma_heap_\w+" .*undefined/.test(text)) {
		return 'this kernel does not export the heap interface to modules; source:VERSION does, with kernels/patches';
	}
	if (/fatal error: \.\.\/.*No such file/.test(text)) {
		return 'only what is below the folder is built: name the folder that holds everything, with a Kbuild at its top';
	}
	return undefined;
}
