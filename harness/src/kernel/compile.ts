// SPDX-License-Identifier: MIT
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cache } from '../core/cache.js';
import { FencepostError, infrastructureError } from '../core/errors.js';
import { run, tail } from '../core/process.js';
import type { Progress } from '../core/progress.js';
import type { Config } from './config.js';
import { withRoomFor } from './disk-full.js';
import { removeHalfWritten } from './half-written.js';
import { KBUILD, kernelImage } from './kbuild.js';
import { type BuildPlace, make } from './make.js';

/** Says that a build began and has not ended. */
const UNFINISHED = '.fencepost-unfinished';

/** A line that kbuild prints for a step: `  CC      mm/cma.o`, `  CC [M]  drivers/…`. */
const STEP = /^ {2}[A-Z][A-Z0-9_]*(?: \[M\])? +\S/;

const KEPT_LINES = 400;

/** A folder with fewer objects was only configured: a build in it counts all the steps there are. */
const FRESH_OBJECTS = 30;

/** Builds the image and, where the config has any, the modules. @returns steps taken. */
export async function compile(
	place: BuildPlace,
	config: Config,
	estimateKey: string,
	cache: Cache,
	progress: Progress,
): Promise<void> {
	const unfinished = join(place.output, UNFINISHED);
	if (
		await readFile(unfinished).then(
			() => true,
			() => false,
		)
	)
		await removeHalfWritten(place.output, place.signal);
	await writeFile(unfinished, '');
	const before = await countObjects(place);
	const estimate = await rememberedSteps(cache, estimateKey, KBUILD[place.arch].typicalSteps);
	const said: string[] = [];
	let steps = 0;
	const targets = [kernelImage(place.arch, config).target, ...(config.has('CONFIG_MODULES') ? ['modules'] : [])];
	await progress.phase('compile', (update) =>
		make(place, targets, {}, (line) => {
			if (STEP.test(line)) {
				steps++;
				update(line.trim().replace(/\s+/g, ' '), compiledFraction(before, steps, estimate));
			} else if (line.trim() !== '' && !/^make(?:\[\d+\])?: (?:Entering|Leaving)/.test(line)) {
				said.push(line);
				if (said.length > KEPT_LINES) said.shift();
			}
		}).catch(async (error: unknown) => {
			const known = compileError(error, place, said);
			// make itself ended and took what it was writing with it (.DELETE_ON_ERROR in kbuild): nothing is cut short,
			// and the next commit need not pay for this one.
			if (known instanceof FencepostError && known.code === 'KERNEL_BUILD_FAILED')
				await rm(unfinished, { force: true });
			throw known;
		}),
	);
	if (before < FRESH_OBJECTS) await rememberSteps(cache, estimateKey, before + steps);
	await rm(unfinished, { force: true });
}

/**
 * How much of a build is done, never falling and 1 only when it has ended: what was there before counts as
 * done, and beyond the estimate the rest shrinks by halves.
 */
export function compiledFraction(before: number, steps: number, estimate: number): number {
	const done = (before + steps) / Math.max(1, estimate);
	return done <= 0.9 ? done : 1 - 0.1 * 2 ** (-(done - 0.9) / 0.1);
}

function compileError(error: unknown, place: BuildPlace, said: readonly string[]): unknown {
	if (!(error instanceof FencepostError) || error.code !== 'COMMAND_FAILED') return error;
	const text = said.join('\n');
	if (/No space left on device|Disk quota exceeded/.test(text)) {
		return infrastructureError('COMMAND_FAILED', error.message, { evidence: tail(text), cause: error });
	}
	if (
		/Killed signal terminated program|virtual memory exhausted|out of memory allocating|Cannot allocate memory/.test(
			text,
		)
	) {
		return infrastructureError('OUT_OF_MEMORY', `the compiler ran out of memory building a ${place.arch} kernel`, {
			hint: 'close other programs, or add memory or swap',
			evidence: tail(text),
			cause: error,
		});
	}
	return new FencepostError({
		code: 'KERNEL_BUILD_FAILED',
		blame: 'kernel',
		message: `the kernel in ${place.source} does not build for ${place.arch}`,
		hint: 'the compiler says why, below',
		evidence: tail(compilerWords(said).join('\n')),
		cause: error,
	});
}

/** What the compiler and the linker said, without make's account of who called whom. */
export function compilerWords(said: readonly string[]): string[] {
	const words = said.filter((line) => !/^make(?:\[\d+\])?: /.test(line));
	const first = words.findIndex((line) => /\berror\b|undefined reference|Error \d|: \*\*\* /i.test(line));
	return first < 0 ? [...said] : words.slice(Math.max(0, first - 3), first + 25);
}

/** The first line that says what is wrong: the compiler's, the linker's or modpost's; else make's, of a file it cannot read. */
export function firstError(words: readonly string[]): string | undefined {
	const own = words.filter((line) => !/^make(?:\[\d+\])?: /.test(line));
	return (own.find((line) => /\berror\b|undefined/i.test(line)) ?? own.find((line) => line.includes(': *** ')))?.trim();
}

async function countObjects(place: BuildPlace): Promise<number> {
	const { stdout } = await run('find', [place.output, '-name', '*.o', '-printf', '.'], {
		signal: place.signal,
		package: 'findutils',
	});
	return stdout.length;
}

async function rememberedSteps(cache: Cache, key: string, otherwise: number): Promise<number> {
	const text = await readFile(cache.workPath('estimates', key), 'utf8').catch(() => '');
	return /^\d{1,6}$/.test(text) ? Number(text) : otherwise;
}

async function rememberSteps(cache: Cache, key: string, steps: number): Promise<void> {
	const file = cache.workPath('estimates', key);
	await mkdir(dirname(file), { recursive: true });
	await writeFile(file, String(steps));
}

/** Copies the image, stripped of what is not loaded, to where it is kept. */
export async function installImage(
	place: BuildPlace,
	config: Config,
	destination: string,
	progress: Progress,
): Promise<void> {
	const { file, strip } = kernelImage(place.arch, config);
	const built = join(place.output, file);
	await progress.phase('strip', () =>
		withRoomFor(destination, () =>
			strip
				? run(`${place.toolchain.prefix}objcopy`, ['--strip-all', built, destination], {
						signal: place.signal,
						package: 'binutils',
					})
				: run('cp', [built, destination], { signal: place.signal, package: 'coreutils' }),
		),
	);
}

/** Installs modules below a folder, stripped. @returns whether there are any. */
export async function installModules(place: BuildPlace, destination: string): Promise<boolean> {
	const order = await readFile(join(place.output, 'modules.order'), 'utf8').catch(() => '');
	if (order.trim() === '') return false;
	await make(place, ['modules_install'], { INSTALL_MOD_PATH: destination, INSTALL_MOD_STRIP: '1' });
	const release = (await readFile(join(place.output, 'include', 'config', 'kernel.release'), 'utf8')).trim();
	// Links back to the build and the source: they mean nothing in a guest, nor once those are gone.
	for (const link of ['build', 'source']) await rm(join(destination, 'lib', 'modules', release, link), { force: true });
	return true;
}
