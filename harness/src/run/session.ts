// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import type { Arch } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { nowMs, timestamp } from '../core/clock.js';
import { FencepostError, usageError } from '../core/errors.js';
import type { Progress } from '../core/progress.js';
import type { KernelSelector } from '../core/selector.js';
import { buildInitramfs } from '../image/initramfs.js';
import type { GuestPrograms } from '../image/suites.js';
import type { Kernel } from '../kernel/kernel.js';
import { moduleFiles, transportModules } from '../kernel/modules.js';
import { resolveKernel } from '../kernel/resolve.js';
import type { MachineDeclaration } from '../machine/machine.js';
import { QemuStarter } from '../machine/qemu/starter.js';
import type { Plan } from '../plan/plan.js';
import { type CaseResult, LOG_SCHEMA, type RunEvent, type Totals } from '../results/events.js';
import type { EventLog } from '../results/store.js';
import { EXIT, exitCode, isFailing } from '../results/totals.js';
import type { ExpectationBook } from '../verdict/expectations.js';
import type { Gate } from '../verdict/gate.js';
import type { AssignmentChoice, SuiteProgram } from './assignment.js';
import { type TargetFailure, targetFailure } from './boot-failure.js';
import type { Isolation, RunContext, Target } from './context.js';
import { type DeviceModule, deviceModule, lostRows, wantsDevice } from './device-module.js';
import { Dispatcher } from './dispatcher.js';
import { Estimates } from './estimates.js';
import { beyondHost, hostCapacity, hostMemoryMiB } from './host-capacity.js';
import { GuestCounter } from './launch.js';
import { buildModules, MODULE_SUITE, type ModuleBuilds } from './module-build-verdict.js';
import { checkModuleParameters } from './module-parameters.js';
import { rerunCommand } from './rerun.js';
import { TargetWork } from './target-work.js';

export interface RunRequest {
	readonly plan: Plan;
	readonly planFile: string | undefined;
	/** Where results go. It may hold those of earlier parts: these are not judged again. */
	readonly log: EventLog;
	readonly isolate: Isolation;
	/** Guests at once. */
	readonly jobs: number;
	/** The first fail, crash, timeout or xpass ends the run. */
	readonly failFast: boolean;
	/** What is news is run again, alone in a fresh guest. */
	readonly secondLook: boolean;
	readonly choice: AssignmentChoice;
	/** Known failures. */
	readonly book: ExpectationBook;
	readonly gate: Gate;
	readonly projectRoot: string;
	readonly cache: Cache;
	readonly progress: Progress;
	readonly argv: readonly string[];
	readonly version: string;
	/** SHA-256 of what plan and options came to. */
	readonly planHash: string;
	/** The agent and the suites of an architecture, compiled. */
	readonly programs: (arch: Arch) => Promise<GuestPrograms>;
	/** What to run, decided before anything was built. */
	readonly suites: readonly SuiteProgram[];
	/** The device module's .ko for stock kernels and files. */
	readonly deviceModule?: string | undefined;
	readonly onEvent: (event: RunEvent) => void;
}

export interface RunOutcome {
	readonly exit: number;
	readonly totals: Totals;
}

/**
 * A run from its plan to results.json. Kernels are made one after the other, each with every core; guests of
 * those that are ready run meanwhile. An abort ends it in order: guests and builds stopped, results so far kept.
 */
export async function runSession(request: RunRequest): Promise<RunOutcome> {
	const session = await Session.open(request);
	return session.run();
}

class Session {
	private readonly startedMs = nowMs();
	private readonly counter: GuestCounter;
	private readonly works = new Set<TargetWork>();
	/** Aborted when nothing more is to be judged, though nobody interrupted. */
	private readonly enough = new AbortController();
	private readonly progress: Progress;
	private unwritable: { readonly error: unknown } | undefined;

	private constructor(
		private readonly request: RunRequest,
		private readonly dispatcher: Dispatcher,
		private readonly estimates: Estimates,
	) {
		this.counter = new GuestCounter(request.log.run?.lastGuest);
		this.progress = request.progress.under(this.enough.signal);
	}

	static async open(request: RunRequest): Promise<Session> {
		const dispatcher = new Dispatcher(await hostCapacity(request.jobs));
		return new Session(request, dispatcher, await Estimates.load(request.cache));
	}

	async run(): Promise<RunOutcome> {
		const { request } = this;
		const { plan, book } = request;
		await this.begin();
		const context = this.context(book);
		let interrupted = false;
		try {
			try {
				for (const selector of plan.kernels) {
					for (const arch of plan.arches) await this.startTargets(selector, arch, context);
				}
			} catch (error) {
				this.dispatcher.drop();
				await this.dispatcher.idle().catch(() => {});
				throw error;
			}
			await this.dispatcher.idle();
			this.reportUnmatched();
			this.reportEmptyShard();
		} catch (error) {
			if (this.unwritable) throw this.unwritable.error;
			if (!this.progress.signal.aborted) throw error;
			interrupted = request.progress.signal.aborted;
			if (!interrupted) this.reportEnough();
		} finally {
			for (const work of this.works) await work.close();
		}
		await this.estimates.save();
		return this.end(interrupted);
	}

	/** Says what this run is; when it goes on from an earlier part, tells the reporters of that one's results too. */
	private async begin(): Promise<void> {
		const { argv, version, planHash, log } = this.request;
		const { directory, run } = log;
		if (run && run.planHash !== planHash) {
			throw usageError(
				'RESUME_PLAN_CHANGED',
				`${directory} was begun with another plan: its file, an expectation or a program has changed since`,
				'put back what it was, or run anew into another folder',
			);
		}
		const resumed = run && run.resumed + 1;
		const cwd = run?.cwd ?? process.cwd();
		const start = { type: 'run-start', time: timestamp(), schema: LOG_SCHEMA, version, argv, cwd, directory } as const;
		this.emit({ ...start, planHash, resumed });
		if (run) for await (const event of log.earlierEvents()) this.request.onEvent(event);
	}

	private context(book: ExpectationBook): RunContext {
		const { request } = this;
		const settled = (result: CaseResult) => request.gate.apply(book.apply(result));
		return {
			starter: new QemuStarter(request.cache),
			progress: this.progress,
			estimates: this.estimates,
			directory: request.log.directory,
			done: request.log.done,
			planFile: request.planFile,
			deviceModule: request.deviceModule,
			isolate: request.isolate,
			secondLook: request.secondLook,
			choice: request.choice,
			emit: (event) => this.emit(event),
			expected: (result) => settled(result).verdict === 'xfail',
			record: (result) => {
				const event = request.log.caseEvent(settled(result));
				if (!event) return;
				this.emit(event);
				if (request.failFast && isFailing(event.result.verdict)) this.enough.abort();
			},
		};
	}

	/** Makes a kernel ready and hands its targets to the guests' queue. A kernel that cannot be had is a miss. */
	private async startTargets(selector: KernelSelector, arch: Arch, context: RunContext): Promise<void> {
		const { plan, cache, projectRoot } = this.request;
		const hostMiB = await hostMemoryMiB();
		const machines = plan.machines.filter((machine) => {
			const beyond = machine.arches.includes(arch) ? beyondHost(machine, hostMiB) : undefined;
			if (beyond) this.recordFailedTarget(selector, arch, machine, targetFailure('boot', beyond), context);
			return machine.arches.includes(arch) && !beyond;
		});
		// Nothing is built for guests that cannot be.
		if (machines.length === 0) return;
		const progress = context.progress.for(`${selector.text} ${arch}`);
		let kernel: Kernel;
		let programs: GuestPrograms;
		let builds: ModuleBuilds;
		let device: DeviceModule | undefined;
		try {
			programs = await this.request.programs(arch);
			const forModules = plan.moduleSources.length > 0;
			const withDevice = wantsDevice(this.request.suites);
			const builtHere = selector.kind === 'source' || selector.kind === 'tree';
			const prebuilt = builtHere ? undefined : this.request.deviceModule;
			const withBuildFolder = withDevice && prebuilt === undefined;
			const place = { cache, progress, projectRoot };
			kernel = await resolveKernel(selector, arch, { ...place, forModules, withBuildFolder });
			this.requireSameKernel(selector, kernel);
			builds = await buildModules(kernel, plan.moduleSources, { cache, progress });
			if (builds.built.length === plan.moduleSources.length)
				await checkModuleParameters(plan.moduleParameters, builds.built);
			device = withDevice ? await deviceModule(kernel, prebuilt, place) : undefined;
		} catch (error) {
			progress.signal.throwIfAborted();
			if (error instanceof FencepostError && error.blame === 'usage') throw error;
			const failure = targetFailure('build', error);
			for (const machine of machines) this.recordFailedTarget(selector, arch, machine, failure, context);
			return;
		}
		const { id, release, image, provenance } = kernel;
		this.emit({ type: 'kernel-ready', time: timestamp(), kernel: selector.text, arch, id, release, image, provenance });
		const lost = device && lostRows(device, this.request.suites);
		if (lost) this.emit({ type: 'note', time: timestamp(), text: lost });
		for (const machine of machines) this.recordModules(selector, kernel, machine, builds, context);
		if (builds.built.length < plan.moduleSources.length) return;
		for (const machine of machines) {
			try {
				const target = await this.target(selector, kernel, machine, programs, builds, device, progress);
				const work: TargetWork = new TargetWork(target, context, this.dispatcher, this.counter, () => {
					this.works.delete(work);
				});
				this.works.add(work);
				work.start();
			} catch (error) {
				progress.signal.throwIfAborted();
				if (!(error instanceof FencepostError) || error.blame === 'usage') throw error;
				this.recordFailedTarget(selector, arch, machine, targetFailure('build', error), context);
			}
		}
	}

	/** Results of two kernels are not mixed under one name. */
	private requireSameKernel(selector: KernelSelector, { arch, id, release }: Kernel): void {
		const { run, directory } = this.request.log;
		const before = run?.kernels.find((one) => one.kernel === selector.text && one.arch === arch);
		if (!before || before.id === id) return;
		throw usageError(
			'RESUME_KERNEL_CHANGED',
			`${selector.text} ${arch} is another kernel now (${release ?? id.slice(0, 12)}) than when ${directory} was begun`,
			'run anew into another folder',
		);
	}

	private async target(
		selector: KernelSelector,
		kernel: Kernel,
		machine: MachineDeclaration,
		programs: GuestPrograms,
		{ built }: ModuleBuilds,
		device: DeviceModule | undefined,
		progress: Progress,
	): Promise<Target> {
		const { cache, suites, projectRoot, plan } = this.request;
		const names = [...transportModules(kernel), ...machine.modules];
		const own = await moduleFiles(kernel, names, { cache, progress, projectRoot });
		const modules = [...own, ...(device?.files ?? [])];
		const wanted = new Set(suites.map(({ name }) => name));
		const initramfs = await buildInitramfs({
			arch: kernel.arch,
			agent: programs.agent,
			suites: programs.suites.filter(({ name }) => wanted.has(name)),
			modules: modules.map(({ file }) => file),
			cache,
			progress,
		});
		// What the machine's modules depend on is loaded, and verified, with them.
		const complete = { ...machine, modules: modules.map(({ name }) => name) };
		const identity = `${kernel.id} ${initramfs.id}`;
		const { moduleParameters } = plan;
		return {
			...{ selector, kernel, machine: complete, suites, initramfs: initramfs.path, identity },
			...{ modules: built, moduleParameters },
			...(device && 'instead' in device ? { withoutDevice: device.instead } : {}),
		};
	}

	/** What came of building the modules for a kernel, for each machine it would run on. */
	private recordModules(
		selector: KernelSelector,
		kernel: Kernel,
		machine: MachineDeclaration,
		{ built, judged }: ModuleBuilds,
		context: RunContext,
	): void {
		if (judged.length === 0) return;
		const { plan, planFile } = this.request;
		const { arch, provenance } = kernel;
		const notes = [...provenance.filter((line) => line.startsWith('patch ')), ...built.flatMap(({ notes }) => notes)];
		for (const text of notes) this.emit({ type: 'note', time: timestamp(), text: `${selector.text} ${arch}: ${text}` });
		const release = kernel.release ?? '';
		const group = { kernel: selector.text, release, arch, machine: machine.name, suite: MODULE_SUITE, subject: '' };
		const rerun = rerunCommand({
			...{ kernel: selector, arch, machine: machine.name, planFile, suite: MODULE_SUITE, case: undefined },
			...{ subject: '', program: undefined, modules: plan.moduleSources },
			moduleParameters: plan.moduleParameters,
			deviceModule: this.request.deviceModule,
		});
		for (const one of judged) {
			const again = one.verdict === 'pass' ? undefined : rerun;
			context.record({ ...group, ...one, attempts: 1, console: '', rerun: again });
		}
		this.emit({ type: 'suite-end', time: timestamp(), group });
	}

	private recordFailedTarget(
		selector: KernelSelector,
		arch: Arch,
		machine: MachineDeclaration,
		failure: TargetFailure,
		context: RunContext,
	): void {
		const group = {
			kernel: selector.text,
			release: '',
			arch,
			machine: machine.name,
			suite: failure.suite,
			subject: '',
		};
		context.record({ ...group, ...failure, durationMs: 0, attempts: 1, console: '' });
		this.emit({ type: 'suite-end', time: timestamp(), group });
	}

	/** An expectation that fits nothing is out of date; a run of chosen cases cannot tell. */
	private reportUnmatched(): void {
		const { plan, book, choice } = this.request;
		if (plan.cases ?? plan.suites ?? plan.subjects ?? choice.shard) return;
		// Programs instead of suites.
		if (plan.programs.length > 0) return;
		// What is known of the kernel's own heaps says nothing of those that modules bring.
		const ofKernel = join(this.request.projectRoot, 'kernels/expectations.yaml');
		for (const { where, case: name } of book.unmatched) {
			if (plan.moduleSources.length > 0 && where.startsWith(`${ofKernel}:`)) continue;
			this.emit({
				type: 'note',
				time: timestamp(),
				text: `${where}: the expectation for ${name} fits no case of this run`,
			});
		}
	}

	/** A part of more parts than there are suites and subjects; that nothing was judged is no pass in any case. */
	private reportEmptyShard(): void {
		const { choice, log } = this.request;
		if (choice.shard === undefined || Object.values(log.totals).some((count) => count > 0)) return;
		const { index, count } = choice.shard;
		const text = `--shard ${index}/${count}: nothing of the run falls into this part; name fewer parts`;
		this.emit({ type: 'note', time: timestamp(), text });
	}

	private reportEnough(): void {
		const left = this.dispatcher.drop();
		const what =
			left === 0 ? 'what was running was stopped' : `what was running was stopped, and ${left} more not begun`;
		this.emit({ type: 'note', time: timestamp(), text: `--fail-fast: the first failure ends the run: ${what}` });
	}

	/** What cannot be recorded ends the run: nothing is judged that nobody could read. @throws FencepostError DISK_FULL. */
	private emit(event: RunEvent): void {
		try {
			this.request.log.append(event);
		} catch (error) {
			this.unwritable ??= { error };
			this.enough.abort(error);
			throw error;
		}
		this.request.onEvent(event);
	}

	private async end(interrupted: boolean): Promise<RunOutcome> {
		const { log } = this.request;
		const { totals } = log;
		const exit = interrupted ? EXIT.interrupted : exitCode(totals);
		const stopped = interrupted ? 'interrupted' : this.enough.signal.aborted ? 'fail-fast' : undefined;
		await log.writeResults(exit);
		this.emit({ type: 'run-end', time: timestamp(), exit, totals, durationMs: nowMs() - this.startedMs, stopped });
		return { exit, totals };
	}
}
