// SPDX-License-Identifier: MIT
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Arch } from '../core/architectures.js';
import { FencepostError, usageError } from '../core/errors.js';
import type { Release } from '../core/release.js';
import { type Config, lostOptions, parseConfig, renderFragment } from './config.js';
import { isConfigured } from './configured.js';
import { type AskedOption, askedOf, parseFragment } from './fragment.js';
import { KBUILD } from './kbuild.js';
import { type Definition, findDefinitions } from './kconfig.js';
import { explainLost } from './kconfig-explain.js';
import { type BuildPlace, make } from './make.js';

/** File of a build folder: the answers its `.config` was made from. */
export const ANSWERS = 'fencepost.config';

/** Fragments of the tree's own that make up `make tinyconfig`. */
const tinyFragments = (arch: Arch) => [
	'kernel/configs/tiny-base.config',
	'kernel/configs/tiny.config',
	`arch/${KBUILD[arch].folder}/configs/tiny.config`,
];

/** Reads the fragments of a profile. */
export async function readFragments(files: readonly string[]): Promise<AskedOption[]> {
	const parts = await Promise.all(
		files.map(async (file) => {
			const text = await readFile(file, 'utf8').catch((cause: unknown) => {
				throw usageError('FRAGMENT_MISSING', `${file}: cannot be read (${String(cause)})`);
			});
			return parseFragment(text, `kernels/fragments/${basename(file)}`);
		}),
	);
	return parts.flat();
}

/**
 * Configures a build folder: tinyconfig's own fragments and ours are the answers to allnoconfig, so that what
 * nobody asked for stays off. @throws when an option that was asked for came out otherwise, saying what stood in its way.
 */
export async function configure(place: BuildPlace, options: readonly AskedOption[], release: Release): Promise<Config> {
	const asked = askedOf(options, release);
	const answers = new Map<string, AskedOption>();
	for (const file of tinyFragments(place.arch)) {
		const text = await readFile(join(place.source, file), 'utf8').catch(() => '');
		for (const option of parseFragment(text, file)) answers.set(option.name, option);
	}
	for (const option of asked.values()) answers.set(option.name, option);
	await mkdir(place.output, { recursive: true });
	const answersFile = join(place.output, ANSWERS);
	const text = renderFragment(answers.values());
	await writeFile(answersFile, text);
	try {
		if (!(await isConfigured(place, text))) await make(place, ['allnoconfig'], { KCONFIG_ALLCONFIG: answersFile });
	} catch (error) {
		if (!(error instanceof FencepostError) || error.code !== 'COMMAND_FAILED') throw error;
		throw new FencepostError({
			code: 'KERNEL_CONFIGURE_FAILED',
			blame: 'kernel',
			message: `the kernel in ${place.source} cannot be configured for ${place.arch}`,
			hint: 'its Kconfig files do not parse, or its Makefile does not build its own tools',
			evidence: error.evidence,
			cause: error,
		});
	}
	const config = parseConfig(await readFile(join(place.output, '.config'), 'utf8'));
	const lost = lostOptions(asked.values(), config);
	if (lost.length === 0) return config;
	const definitions = await findDefinitions(
		place.source,
		KBUILD[place.arch].folder,
		lost.map(({ name }) => name),
	);
	const missed = lost.filter((option) => !(option.whereKnown && (definitions.get(option.name) ?? []).length === 0));
	if (missed.length === 0) return config;
	throw lostError(place.arch, release, missed, definitions, config);
}

/** More than this many lost options have one cause, and the first lines tell it. */
const MAX_EXPLAINED = 12;

function lostError(
	arch: Arch,
	release: Release,
	missed: readonly AskedOption[],
	definitions: ReadonlyMap<string, readonly Definition[]>,
	config: Config,
): FencepostError {
	const lines = missed
		.slice(0, MAX_EXPLAINED)
		.map((option) => `  ${explainLost(option, definitions.get(option.name) ?? [], config)}`);
	if (missed.length > MAX_EXPLAINED) lines.push(`  and ${missed.length - MAX_EXPLAINED} more`);
	const what = missed.length === 1 ? 'an option that is' : `${missed.length} options that are`;
	return usageError(
		'OPTION_LOST',
		`${what} asked for did not survive in a ${arch} ${release.join('.')} kernel:\n${lines.join('\n')}`,
		'correct the fragment, or say in it for which releases the option counts (# since X.Y until X.Y, or # where known)',
	);
}
