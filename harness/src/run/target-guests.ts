// SPDX-License-Identifier: MIT
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { create } from 'tar';
import { timestamp } from '../core/clock.js';
import { FencepostError } from '../core/errors.js';
import type { GuestFacts } from '../machine/machine.js';
import { toldReport } from '../verdict/splat/told.js';
import type { Splat } from '../verdict/verdict.js';
import type { Assignment, SuiteProgram } from './assignment.js';
import type { Judged } from './attempt.js';
import { type RunContext, type Target, targetProgress } from './context.js';
import { type GuestCounter, type LaunchedGuest, launchGuest, type OpenedTemplate, openTemplate } from './launch.js';
import { MODULE_SUITE } from './module-build-verdict.js';
import { loadModules, type ModuleLoad } from './module-load.js';
import type { TargetResults } from './target-results.js';

const BOOT_ATTEMPTS = 2;
/** Errors after which a machine's guests are booted and not cloned. */
const CANNOT_CLONE: ReadonlySet<string> = new Set([
	'TEMPLATE_REFUSED',
	'CLONE_FAILED',
	'CLONE_SILENT',
	'NO_MEMORY_FILE',
	// A template takes some 30 MB; a boot takes none.
	'DISK_FULL',
]);

/** How often a guest was tried for before this error was the last word: the host's faults get another chance. */
export function bootAttempts(error: FencepostError): number {
	return error.blame === 'infrastructure' ? BOOT_ATTEMPTS : 1;
}

/** No guest can be had with the out-of-tree modules loaded; what they said is recorded. */
export const MODULES_UNUSABLE = 'MODULES_UNUSABLE';

/**
 * A target's guests: clones of its template; booted one by one where one guest does everything, or the machine cannot
 * be cloned. Each has the out-of-tree modules loaded, and the user's programs it is to run.
 */
export class TargetGuests {
	private opened: Promise<OpenedTemplate> | undefined;
	private cannotClone: boolean;
	private firstLoad: ModuleLoad | undefined;

	constructor(
		private readonly target: Target,
		private readonly context: RunContext,
		private readonly counter: GuestCounter,
		private readonly results: TargetResults,
	) {
		this.cannotClone = context.isolate === 'run';
	}

	/** What came of loading the out-of-tree modules, once a guest was launched. */
	get load(): ModuleLoad | undefined {
		return this.firstLoad;
	}

	/**
	 * What a guest of this target is: from its template, where its guests are clones and need no modules; else from a
	 * first guest, which comes along to be used. @throws FencepostError as `launch`.
	 */
	async first(): Promise<{ readonly facts: GuestFacts; readonly launched: LaunchedGuest | undefined }> {
		if (!this.cannotClone && this.target.modules.length === 0) {
			const opened = await this.retried(() => this.template());
			if (opened) return { facts: opened.template.facts, launched: undefined };
		}
		const launched = await this.launch([]);
		return { facts: launched.guest.facts, launched };
	}

	/** A fresh guest. @throws FencepostError BOOT_*, CLONE_*, MODULES_UNUSABLE; the last attempt's. */
	async launch(programs: readonly SuiteProgram[]): Promise<LaunchedGuest> {
		return this.retried(async () => {
			const launched = await this.start();
			try {
				this.results.release = launched.guest.facts.release;
				this.judgeBoot(launched.watch.take(), launched.consoleFile);
				await this.ship(launched, programs);
				await this.loadModules(launched);
				return launched;
			} catch (error) {
				await launched.guest.stop();
				throw error;
			}
		});
	}

	/** Sends the user's programs into a guest: the same road for any file that is not in the image. */
	async ship({ guest }: LaunchedGuest, programs: readonly SuiteProgram[]): Promise<void> {
		for (const { file, guestPath } of programs) {
			if (file === undefined) continue;
			const archive = create({ cwd: dirname(file), portable: true, follow: true }, [basename(file)]);
			await guest.put(dirname(guestPath), archive as unknown as Readable, this.context.progress.signal);
		}
	}

	/** Gives the template's memory back. */
	async close(): Promise<void> {
		const opened = await this.opened?.catch(() => undefined);
		await opened?.template.close();
	}

	/** What nobody but the host can be blamed for is tried once more. */
	private async retried<T>(work: () => Promise<T>): Promise<T> {
		for (let attempt = 1; ; attempt++) {
			try {
				return await work();
			} catch (error) {
				this.context.progress.signal.throwIfAborted();
				if (!(error instanceof FencepostError) || attempt >= bootAttempts(error)) throw error;
			}
		}
	}

	private async start(): Promise<LaunchedGuest> {
		const { target, context, counter } = this;
		const opened = await this.template();
		if (!opened) return launchGuest(target, context, counter);
		try {
			return await launchGuest(target, context, counter, opened.template);
		} catch (error) {
			this.bootInstead(error);
			return launchGuest(target, context, counter);
		}
	}

	/** The template, opened once; undefined where guests are booted. */
	private async template(): Promise<OpenedTemplate | undefined> {
		if (this.cannotClone) return undefined;
		this.opened ??= openTemplate(this.target, this.context, this.counter).then((opened) => {
			this.results.release = opened.template.facts.release;
			this.judgeBoot(opened.splats, opened.consoleFile);
			return opened;
		});
		try {
			return await this.opened;
		} catch (error) {
			this.opened = undefined;
			this.bootInstead(error);
			return undefined;
		}
	}

	/** From here on guests are booted. @throws the error again, when it does not speak of cloning. */
	private bootInstead(error: unknown): void {
		this.context.progress.signal.throwIfAborted();
		if (!(error instanceof FencepostError) || !CANNOT_CLONE.has(error.code)) throw error;
		if (this.cannotClone) return;
		this.cannotClone = true;
		const { selector, kernel, machine } = this.target;
		const where = `${selector.text} ${kernel.arch} ${machine.name}`;
		this.results.note(`${where}: guests are booted one by one: ${error.message}`);
	}

	/** What the kernel reported before the first case belongs to no case, and is not forgotten. */
	private judgeBoot(splats: readonly Splat[], consoleFile: string): void {
		if (splats.length === 0) return;
		const reason = splats.map(toldReport).join('; ');
		const failure = { suite: 'machine', case: 'machine.boot', verdict: 'crash', reason, splats } as const;
		this.results.recordFailure(failure, 1, consoleFile);
	}

	/** What came of it is recorded once, and again when it is not good. */
	private async loadModules(launched: LaunchedGuest): Promise<void> {
		const { modules, moduleParameters } = this.target;
		if (modules.length === 0) return;
		const { emit } = this.context;
		const said: [Assignment, Judged][] = [];
		const progress = targetProgress(this.context, this.target);
		const load = await progress.phase(
			'load modules',
			() => loadModules(launched, modules, moduleParameters, progress.signal, (...one) => said.push(one)),
			modules.map(({ name }) => name).join(', '),
			true,
		);
		if (!this.firstLoad || !load.usable) {
			for (const [assignment, judged] of said) this.results.record(assignment, judged, launched.consoleFile);
			emit({ type: 'suite-end', time: timestamp(), group: this.results.groupOf(MODULE_SUITE, '') });
		}
		this.firstLoad ??= load;
		if (!load.usable) {
			throw new FencepostError({
				code: MODULES_UNUSABLE,
				blame: 'test',
				message: 'the modules could not be loaded',
			});
		}
	}
}
