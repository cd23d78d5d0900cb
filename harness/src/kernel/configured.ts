// SPDX-License-Identifier: MIT
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { contentId, sha256 } from '../core/hash.js';
import { KBUILD } from './kbuild.js';
import type { BuildPlace } from './make.js';

/** Says from what the `.config` in a build folder came, once a kernel was built with it. */
const STAMP = '.fencepost-configured';

/** kconfig's list of all the files it read, written by the build (scripts/kconfig/confdata.c, conf_write_autoconf_cmd). */
const FILES_READ = join('include', 'config', 'auto.conf.cmd');

/** Programs that Kconfig files ask for their versions, beside the compiler. */
const ASKED_PROGRAMS = ['rustc', 'bindgen', 'pahole', 'python3'];

/** Files read at a time. */
const BATCH = 64;

/**
 * Whether a build folder holds the `.config` that the same answers would give again: nothing that kconfig read, ran
 * or asked differs. Then a quarter of the time of a bisect's step can be saved. A folder that was never built from is no.
 */
export async function isConfigured(place: BuildPlace, answers: string): Promise<boolean> {
	const stamp = await textOf(join(place.output, STAMP));
	return stamp !== undefined && stamp === (await configurationId(place, answers));
}

/** Call when a build has ended well: only then is the list of files kconfig read the one of this source. */
export async function rememberConfigured(place: BuildPlace, answers: string): Promise<void> {
	const id = await configurationId(place, answers);
	if (id === undefined) await rm(join(place.output, STAMP), { force: true });
	else await writeFile(join(place.output, STAMP), id);
}

async function configurationId(place: BuildPlace, answers: string): Promise<string | undefined> {
	const { source, output } = place;
	const [list, config] = await Promise.all([textOf(join(output, FILES_READ)), textOf(join(output, '.config'))]);
	const read = [...(list ?? '').matchAll(/^\t(\S+?)(?: \\)?$/gm)].map(([, path]) => path ?? '');
	if (config === undefined || read.length === 0) return undefined;
	const files = await digest(source, [
		...new Set([
			...read,
			...(await filesIn(source, 'scripts')),
			...(await filesIn(source, join('scripts', 'kconfig'))),
			'Makefile',
			join('arch', KBUILD[place.arch].folder, 'Makefile'),
		]),
	]);
	if (files === undefined) return undefined;
	return contentId({
		source,
		answers,
		config,
		toolchain: `${place.toolchain.compiler} ${place.toolchain.version}`,
		programs: (await Promise.all(ASKED_PROGRAMS.map(programStamp))).join('\n'),
		files,
	});
}

/** Kconfig files run the scripts that lie right in scripts/, and kconfig itself is built from scripts/kconfig/. */
async function filesIn(source: string, folder: string): Promise<string[]> {
	const entries = await readdir(join(source, folder), { withFileTypes: true }).catch(() => []);
	return entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
}

/** Digest of all their contents; undefined when one is not there. */
async function digest(source: string, paths: readonly string[]): Promise<string | undefined> {
	const lines: string[] = [];
	for (let start = 0; start < paths.length; start += BATCH) {
		const batch = paths.slice(start, start + BATCH);
		const texts = await Promise.all(batch.map((path) => textOf(join(source, path))));
		for (const [index, text] of texts.entries()) {
			if (text === undefined) return undefined;
			lines.push(`${batch[index]} ${sha256(text)}`);
		}
	}
	return sha256(lines.sort().join('\n'));
}

/** Which file a program is, and whether it is still the same one. */
async function programStamp(name: string): Promise<string> {
	for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
		const facts = await stat(join(folder, name)).catch(() => undefined);
		if (facts?.isFile()) return `${join(folder, name)} ${facts.size} ${facts.mtimeMs}`;
	}
	return `${name} missing`;
}

const textOf = (path: string) => readFile(path, 'utf8').catch(() => undefined);
