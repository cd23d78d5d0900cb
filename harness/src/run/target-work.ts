// SPDX-License-Identifier: MIT
import { FencepostError } from '../core/errors.js';
import type { GuestFacts } from '../machine/machine.js';
import { type Assignment, assign, type ListedCase } from './assignment.js';
import { targetFailure } from './boot-failure.js';
import { type RunContext, type Target, targetProgress } from './context.js';
import { BOUNCE_NEED, DEVICE_NEED, IOMMU_NEED, MASTER_NEED } from './device-module.js';
import type { Dispatcher } from './dispatcher.js';
import { GroupProgress } from './group-progress.js';
import { guestMemoryMiB } from './host-capacity.js';
import type { GuestCounter, LaunchedGuest } from './launch.js';
import { MODULE_SUITE } from './module-build-verdict.js';
import { moduleChoice, nothingToJudge, unloadAssignments } from './module-load.js';
import { bootAttempts, MODULES_UNUSABLE, TargetGuests } from './target-guests.js';
import { TargetResults } from './target-results.js';
import { type UnitContext, UnitRun } from './unit-run.js';
import { verifyGuest } from './verify.js';
import { lacksOption } from './verify-hardware.js';

/** Assignments that share a guest. */
type Unit = readonly Assignment[];

/** Everything that is to be done on one kernel and machine: made ready, verified, cut into units, handed to the dispatcher. */
export class TargetWork {
	private readonly results: TargetResults;
	private readonly guests: TargetGuests;
	private readonly groups: GroupProgress;
	private unitsLeft = 0;
	private promises: ReadonlySet<string> = new Set();
	private releaseTemplate = () => {};

	constructor(
		private readonly target: Target,
		private readonly context: RunContext,
		private readonly dispatcher: Dispatcher,
		counter: GuestCounter,
		private readonly closed: () => void,
	) {
		const { arch } = target.kernel;
		this.results = new TargetResults(target, context);
		this.guests = new TargetGuests(target, context, counter, this.results);
		this.groups = new GroupProgress(
			context.emit,
			(assignment) => this.results.group(assignment),
			(whole, tookMs) => context.estimates.learn(arch, whole, tookMs),
		);
	}

	start(): void {
		const { context, target } = this;
		this.dispatcher.add({
			kind: 'prepare',
			memoryMiB: this.guestMiB,
			estimateMs: context.estimates.estimateMs(target.kernel.arch, []),
			run: (freeSlot) => this.prepare(freeSlot),
		});
	}

	private get guestMiB(): number {
		return guestMemoryMiB(this.target.machine.memoryMiB);
	}

	/** Finds out what there is to do, and does the first unit of it at once. */
	private async prepare(freeSlot: () => void): Promise<void> {
		const found = await this.find();
		if (!found) return this.close();
		const [own, ...others] = found.units;
		this.unitsLeft = found.units.length;
		for (const unit of others) this.addUnit(unit);
		await this.runUnit(own, found.launched, freeSlot);
	}

	/** The units, the longest first, and a guest to begin with where there is one. Undefined when there is nothing to do. */
	private async find(): Promise<
		{ readonly units: readonly [Unit, ...Unit[]]; readonly launched: LaunchedGuest | undefined } | undefined
	> {
		const { context, target } = this;
		if (context.isolate !== 'run') this.releaseTemplate = this.dispatcher.hold(target.machine.memoryMiB);
		try {
			const { facts, launched } = await this.guests.first();
			const [first, ...others] = this.longestFirst(this.units(facts));
			if (first) return { units: [first, ...others], launched };
			await launched?.guest.stop();
		} catch (error) {
			context.progress.signal.throwIfAborted();
			if (!(error instanceof FencepostError)) throw error;
			if (error.code !== MODULES_UNUSABLE)
				this.results.recordFailure(targetFailure('boot', error), bootAttempts(error), '');
		}
		return undefined;
	}

	private addUnit(unit: Unit): void {
		this.dispatcher.add({
			kind: 'unit',
			memoryMiB: this.guestMiB,
			estimateMs: this.estimateMs(unit),
			run: (freeSlot) => this.runUnit(unit, undefined, freeSlot),
		});
	}

	private async runUnit(unit: Unit, launched: LaunchedGuest | undefined, freeSlot: () => void): Promise<void> {
		const shared: UnitContext = {
			run: this.context,
			progress: targetProgress(this.context, this.target),
			guests: this.guests,
			results: this.results,
			groups: this.groups,
			promises: this.promises,
		};
		try {
			const guest = launched && (await this.withPrograms(launched, unit));
			await new UnitRun(shared, unit, guest, freeSlot).run();
		} finally {
			if (--this.unitsLeft === 0) await this.close();
		}
	}

	/** The guest with a unit's programs in it; undefined when they could not be sent: another one may do better. */
	private async withPrograms(launched: LaunchedGuest, unit: Unit): Promise<LaunchedGuest | undefined> {
		try {
			await this.guests.ship(
				launched,
				unit.map(({ suite }) => suite),
			);
			return launched;
		} catch (error) {
			await launched.guest.stop();
			this.context.progress.signal.throwIfAborted();
			if (!(error instanceof FencepostError)) throw error;
			return undefined;
		}
	}

	/** What is to be done, cut into units. What need not run is recorded now. */
	private units(facts: GuestFacts): Unit[] {
		const unloading = this.unloading();
		const runnable = (all: readonly Assignment[], parts: (one: Assignment) => number) => {
			for (const one of all) this.groups.expect(one, one.instead ? 1 : parts(one));
			for (const one of all) {
				if (!one.instead) continue;
				this.groups.begin(one);
				this.results.recordAll(one, one.instead.verdict, one.instead.reason);
				this.groups.end(one, 0);
			}
			return all.filter(({ instead }) => instead === undefined);
		};
		const cases = runnable(this.undone(this.assignments(facts)), (one) => this.partsOf(one).length);
		const modules = runnable(this.undone(unloading), () => 1);
		return [...this.cut(cases), ...(modules.length > 0 ? [modules] : [])];
	}

	/** What earlier parts of the run have not judged. */
	private undone(assignments: readonly Assignment[]): Assignment[] {
		const { done } = this.context;
		if (done.size === 0) return [...assignments];
		return assignments.flatMap((one): Assignment[] => {
			const group = this.results.group(one);
			if (one.suite.name !== MODULE_SUITE && done.hasGroup(group)) return [];
			const cases = one.cases?.filter((listed) => !done.has({ ...group, case: listed.case }));
			return cases?.length === 0 ? [] : [{ ...one, cases }];
		});
	}

	/** By what a guest is used for: everything, one suite and subject, or one case. */
	private cut(assignments: readonly Assignment[]): Unit[] {
		if (this.context.isolate === 'run') return assignments.length > 0 ? [assignments] : [];
		return assignments.flatMap((whole) => this.partsOf(whole).map((part) => [part]));
	}

	/** An assignment as what its guests are used for. What is expected to crash its kernel has one of its own in any case. */
	private partsOf(whole: Assignment): Assignment[] {
		const { isolate } = this.context;
		const { cases } = whole;
		if (isolate === 'run' || !cases) return [whole];
		const alone = cases.filter((one) => isolate === 'case' || this.crashExpected(whole, one));
		const together = cases.filter((one) => !alone.includes(one));
		const parts = alone.map((one) => ({ ...whole, cases: [one] }));
		return together.length > 0 ? [{ ...whole, cases: together }, ...parts] : parts;
	}

	private crashExpected(whole: Assignment, { case: name, catalogue }: ListedCase): boolean {
		const crash = {
			case: name,
			catalogue,
			verdict: 'crash',
			reason: '',
			durationMs: 0,
			diagnostics: [],
			splats: [],
		} as const;
		return this.context.expected(this.results.result(whole, crash, ''));
	}

	private assignments(facts: GuestFacts): Assignment[] {
		const { target, context, results } = this;
		const { load } = this.guests;
		const all = load ? { ...facts, heaps: [...facts.heaps, ...load.heaps] } : facts;
		const { mismatches, cannotHave } = verifyGuest(target.kernel, target.machine, all);
		if (mismatches.length > 0) {
			const reason = `the guest is not what was asked for: ${mismatches.join('; ')}`;
			const failure = { suite: 'machine', case: 'machine.declaration', verdict: 'miss', reason } as const;
			results.recordFailure(failure, 1, '');
			return [];
		}
		const { swiotlb, devices: masters = [], iommu } = target.machine;
		const devices = [
			DEVICE_NEED,
			...(swiotlb ? [BOUNCE_NEED] : []),
			...(masters.length > 0 ? [MASTER_NEED] : []),
			...(masters.length > 0 && iommu?.[target.kernel.arch] ? [IOMMU_NEED] : []),
		];
		const promised = [...target.machine.provides, ...(target.withoutDevice ? [] : devices)];
		this.promises = new Set(promised.filter((need) => !cannotHave.has(need)));
		for (const [what, why] of cannotHave) {
			results.note(`${target.selector.text} ${target.kernel.arch}: no ${what}: ${why}`);
		}
		const reason = load && target.suites.length > 0 ? nothingToJudge(context.choice, load, facts.heaps) : undefined;
		if (reason) results.recordFailure({ suite: MODULE_SUITE, case: 'module.heaps', verdict: 'miss', reason }, 1, '');
		const choice = load ? moduleChoice(context.choice, load) : context.choice;
		return assign(target.suites, target.machine, all, cannotHave, choice, {
			withoutOption: (options) => lacksOption(target.kernel, options),
			withoutDevice: target.withoutDevice,
		});
	}

	/** Modules go from a guest of their own: no case has run in it. */
	private unloading(): Assignment[] {
		const { load } = this.guests;
		const { shard } = this.context.choice;
		if (!load?.usable || (shard && shard.index !== 1)) return [];
		return unloadAssignments(this.target.modules, load);
	}

	private estimateMs(unit: Unit): number {
		return this.context.estimates.estimateMs(this.target.kernel.arch, unit);
	}

	private longestFirst(units: readonly Unit[]): Unit[] {
		return units
			.map((unit) => ({ unit, ms: this.estimateMs(unit) }))
			.sort((a, b) => b.ms - a.ms)
			.map(({ unit }) => unit);
	}

	/** Gives the template back: after the last unit, or when units will not run any more. */
	async close(): Promise<void> {
		await this.guests.close();
		this.releaseTemplate();
		this.releaseTemplate = () => {};
		this.closed();
	}
}
