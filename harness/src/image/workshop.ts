// SPDX-License-Identifier: MIT
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import PQueue from 'p-queue';
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
	linkProgram,
	readSourceFolder,
	type SourceFolder,
} from './compile.js';
import type { Toolchain } from './toolchain.js';

/** A static program for guests, in the cache. */
export interface BuiltProgram {
	/** `agent`, or the suite: the folder's name. */
	readonly name: string;
	/** Of a suite: the program that all suites are, called by this one's name. */
	readonly path: string;
	/** Hash of sources, flags, compiler, C library and kernel headers; of a suite, of its own and lib's sources alone. */
	readonly id: string;
	/** A suite's cases; undefined for the agent, and for programs that this host cannot run. */
	readonly cases: readonly CaseInfo[] | undefined;
}

/** The agent's sources; it needs nothing of suites/lib. */
const AGENT = 'guest/agent';
const LIB = 'suites/lib';
const OBJECT = 'object.o';
const SUITES = 'suites';

/** Raised when what an entry says of its program changes. */
const LAYOUT = '2';

export interface WorkshopOptions {
	/** Holds `suites/` and `guest/agent/`. */
	readonly root: string;
	/** Names of the suites that are wanted, sorted. */
	readonly suites: readonly string[];
	readonly cache: Cache;
	readonly toolchain: Toolchain;
	readonly progress: Progress;
}

/** What is to be made from sources as they are now. */
interface Sources {
	readonly agent: SourceFolder;
	readonly lib: SourceFolder;
	readonly suites: readonly SourceFolder[];
}

/** Makes programs of one architecture, or finds them in the cache: the agent, and one that is all suites. */
export class Workshop {
	private constructor(
		private readonly options: WorkshopOptions,
		private readonly sources: Sources,
		/** What everything is made with. */
		private readonly tools: Readonly<Record<string, string>>,
	) {}

	static async open(options: WorkshopOptions): Promise<Workshop> {
		const { root, suites, toolchain, progress } = options;
		const read = (path: string) => readSourceFolder(root, path);
		const [compiler, agent, lib, ...folders] = await Promise.all([
			compilerVersion(toolchain, progress.signal),
			...[read(AGENT), read(LIB)],
			...suites.map((name) => read(`suites/${name}`)),
		] as const);
		const tools = { layout: LAYOUT, flags: flagsId(toolchain.arch), compiler, toolchain: toolchain.id };
		return new Workshop(options, { agent, lib, suites: folders }, tools);
	}

	/** The agent, if the cache holds it as its sources are now. */
	lookupAgent(): Promise<BuiltProgram | undefined> {
		return this.lookup(this.agentId, (entry) => this.agentOf(entry));
	}

	/** The agent, compiled when it is not there. */
	async buildAgent(): Promise<BuiltProgram> {
		const { root, toolchain } = this.options;
		return this.agentOf(
			await this.entry(this.agentId, (directory, signal) =>
				compileProgram(toolchain, root, this.sources.agent, join(directory, basename(AGENT)), signal),
			),
		);
	}

	/** The suites, if the cache holds them as their sources are now. */
	lookupSuites(): Promise<BuiltProgram[] | undefined> {
		return this.lookup(this.suitesId, (entry) => this.suitesOf(entry));
	}

	/** The suites; those that changed are compiled, as many at a time as there are processors. */
	async buildSuites(): Promise<BuiltProgram[]> {
		const { root, toolchain, progress } = this.options;
		const { lib, suites } = this.sources;
		const folders = [lib, ...suites];
		const objects = await progress.phase('compile', async (update) => {
			const queue = new PQueue({ concurrency: availableParallelism() });
			let done = 0;
			const build = async (folder: SourceFolder) => {
				const object = await this.object(folder);
				update(folder.path, ++done / folders.length);
				return object;
			};
			try {
				return await Promise.all(folders.map((folder) => queue.add(() => build(folder))));
			} finally {
				// After a failure the others are not begun, and those begun are waited for.
				queue.clear();
				await queue.onIdle();
			}
		});
		const entry = await this.entry(this.suitesId, async (directory, signal) => {
			const program = join(directory, SUITES);
			await linkProgram(toolchain, root, objects, program, signal);
			if (toolchain.arch !== hostArch) return {};
			return {
				cases: (await Promise.all(suites.map(({ path }) => readCases(basename(path), program, signal)))).flat(),
			};
		});
		return this.suitesOf(entry);
	}

	private async object(folder: SourceFolder): Promise<string> {
		const { root, toolchain } = this.options;
		const isLib = folder === this.sources.lib;
		const { path } = await this.entry(
			isLib ? contentId({ ...this.tools, lib: folder.id }) : this.suiteId(folder),
			(to, signal) => compileObject(toolchain, root, folder, join(to, OBJECT), signal, isLib ? undefined : LIB),
		);
		return join(path, OBJECT);
	}

	private get agentId(): string {
		return contentId({ ...this.tools, agent: this.sources.agent.id });
	}

	private get suitesId(): string {
		return contentId({ ...this.tools, suites: this.sources.suites.map((folder) => this.suiteId(folder)).join(' ') });
	}

	private suiteId({ path, id }: SourceFolder): string {
		return contentId({ ...this.tools, path, sources: id, lib: this.sources.lib.id });
	}

	private agentOf({ path }: CacheEntry): BuiltProgram {
		const name = basename(AGENT);
		return { name, path: join(path, name), id: this.agentId, cases: undefined };
	}

	private suitesOf({ path, info }: CacheEntry): BuiltProgram[] {
		const { cases } = infoSchema.parse(info);
		return this.sources.suites.map((folder) => {
			const name = basename(folder.path);
			const own = cases?.filter(({ suite }) => suite === name);
			return { name, path: join(path, SUITES), id: this.suiteId(folder), cases: own };
		});
	}

	private async lookup<T>(id: string, as: (entry: CacheEntry) => T): Promise<T | undefined> {
		const entry = await this.options.cache.lookup('suites', id, this.options.progress);
		return entry && as(entry);
	}

	private entry(id: string, make: (directory: string, signal: AbortSignal) => Promise<unknown>): Promise<CacheEntry> {
		const { cache, progress } = this.options;
		return cache.entry('suites', id, progress, (directory) => make(directory, progress.signal));
	}
}

const infoSchema = z.object({ cases: caseListSchema.optional() });
