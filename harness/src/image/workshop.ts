// SPDX-License-Identifier: MIT
import { basename, join } from 'node:path';
import { z } from 'zod';
import { hostArch } from '../core/architectures.js';
import type { Cache, CacheEntry } from '../core/cache.js';
import { contentId } from '../core/hash.js';
import type { Progress } from '../core/progress.js';
import { type CaseInfo, caseListSchema, readCases } from './cases.js';
import {
	compileObject,
	compileProgram,
	compilerVersion,
	flagsId,
	readSourceFolder,
	type SourceFolder,
} from './compile.js';
import type { Toolchain } from './toolchain.js';

/** A static program for guests, in the cache. */
export interface BuiltProgram {
	/** `agent`, or the suite: the folder's name. */
	readonly name: string;
	readonly path: string;
	/** Hash of sources, flags, compiler, C library and kernel headers. */
	readonly id: string;
	/** A suite's cases; undefined for the agent, and for programs that this host cannot run. */
	readonly cases: readonly CaseInfo[] | undefined;
}

/** The agent's sources; it needs nothing of suites/lib. */
export const AGENT = 'guest/agent';
const LIB = 'suites/lib';
const LIB_OBJECT = 'lib.o';

/** Raised when what an entry says of its program changes. */
const LAYOUT = '1';

/** Finds programs in the cache, and puts them there. */
export interface Workshop {
	/** The program of a folder, if the cache holds it as the sources are now. */
	lookup(folder: SourceFolder): Promise<BuiltProgram | undefined>;
	/** The same, compiled when it is not there. */
	build(folder: SourceFolder): Promise<BuiltProgram>;
}

export interface WorkshopOptions {
	readonly root: string;
	readonly cache: Cache;
	readonly toolchain: Toolchain;
	readonly progress: Progress;
}

/** A workshop for programs of one architecture. Two kinds of entries: lib's object, and one for each program. */
export async function openWorkshop({ root, cache, toolchain, progress }: WorkshopOptions): Promise<Workshop> {
	const { signal } = progress;
	const [compiler, lib] = await Promise.all([compilerVersion(toolchain, signal), readSourceFolder(root, LIB)]);
	const common = { layout: LAYOUT, flags: flagsId(toolchain.arch), compiler, toolchain: toolchain.id };
	const idOf = ({ path, id }: SourceFolder) =>
		contentId({ ...common, path, sources: id, ...(path === AGENT ? {} : { lib: lib.id }) });

	// One object for all suites; the first that needs it makes it.
	let libObject: Promise<string> | undefined;
	const makeLib = async () => {
		const entry = await cache.entry('suites', contentId({ ...common, object: lib.id }), progress, (directory) =>
			compileObject(toolchain, root, lib, join(directory, LIB_OBJECT), signal),
		);
		return join(entry.path, LIB_OBJECT);
	};

	const build = async (folder: SourceFolder): Promise<BuiltProgram> => {
		const id = idOf(folder);
		const entry = await cache.entry('suites', id, progress, async (directory) => {
			const output = join(directory, basename(folder.path));
			if (folder.path === AGENT) {
				await compileProgram(toolchain, root, folder, output, signal, { objects: [], include: [] });
				return {};
			}
			libObject ??= makeLib();
			const objects = [await libObject];
			await compileProgram(toolchain, root, folder, output, signal, { objects, include: [LIB] });
			if (toolchain.arch !== hostArch) return {};
			return { cases: await readCases(basename(folder.path), output, signal) };
		});
		return program(folder, id, entry);
	};

	const lookup = async (folder: SourceFolder) => {
		const id = idOf(folder);
		const entry = await cache.lookup('suites', id, progress);
		return entry && program(folder, id, entry);
	};
	return { lookup, build };
}

const infoSchema = z.object({ cases: caseListSchema.optional() });

function program(folder: SourceFolder, id: string, { path, info }: CacheEntry): BuiltProgram {
	const name = basename(folder.path);
	return { name, path: join(path, name), id, cases: infoSchema.parse(info).cases };
}
