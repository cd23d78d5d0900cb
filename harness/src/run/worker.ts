// SPDX-License-Identifier: MIT
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { create } from 'tar';
import { timestamp } from '../core/clock.js';
import { FencepostError } from '../core/errors.js';
import type { CaseResult, SuiteGroup } from '../results/events.js';
import { type Assignment, assign } from './assignment.js';
import { type AttemptEnd, type Judged, runAssignment } from './attempt.js';
import { type TargetFailure, targetFailure } from './boot-failure.js';
import type { RunContext, Target } from './context.js';
import { type GuestCounter, type LaunchedGuest, launchGuest } from './launch.js';
import { MODULE_SUITE } from './module-build-verdict.js';
import { loadModules, type ModuleLoad, moduleChoice, nothingToJudge, unloadAssignments } from './module-load.js';
import { rerunCommand } from './rerun.js';
import { verifyGuest } from './verify.js';

const BOOT_ATTEMPTS = 2;

/**
 * Runs everything a target has to do: boots, verifies, hands out assignments, and boots again when a guest is
 * used up or gone, so that the cases it did not reach are judged in a fresh one.
 */
export class TargetWorker {
	private launched: LaunchedGuest | undefined;
	private release: string;
	private promises: ReadonlySet<string> = new Set();
	private load: ModuleLoad | undefined;

	constructor(
		private readonly target: Target,
		private readonly context: RunContext,
		private readonly counter: GuestCounter,
	) {
		this.release = target.kernel.release ?? '';
	}

	async run(): Promise<void> {
		try {
			const first = await this.guest();
			if (!first) return;
			const queue = this.assignments(first);
			if (queue) await this.work(queue);
			await this.unloadModules();
		} finally {
			await this.stopGuest();
		}
	}

	/** What this target has to do, or undefined when its guest is not what was declared. */
	private assignments({ guest }: LaunchedGuest): Assignment[] | undefined {
		const { target, context } = this;
		const { load } = this;
		const facts = load ? { ...guest.facts, heaps: [...guest.facts.heaps, ...load.heaps] } : guest.facts;
		const { mismatches, cannotHave } = verifyGuest(target.kernel, target.machine, facts);
		if (mismatches.length > 0) {
			this.recordFailure({
				suite: 'machine',
				case: 'machine.declaration',
				verdict: 'miss',
				reason: `the guest is not what was asked for: ${mismatches.join('; ')}`,
			});
			return undefined;
		}
		this.promises = new Set(target.machine.provides.filter((need) => !cannotHave.has(need)));
		for (const [what, why] of cannotHave) {
			context.emit({
				type: 'note',
				time: timestamp(),
				text: `${target.selector.text} ${target.kernel.arch}: no ${what}: ${why}`,
			});
		}
		const why = load && target.suites.length > 0 ? nothingToJudge(context.choice, load, guest.facts.heaps) : undefined;
		if (why) this.recordFailure({ suite: MODULE_SUITE, case: 'module.heaps', verdict: 'miss', reason: why });
		const choice = load ? moduleChoice(context.choice, load) : context.choice;
		return assign(target.suites, target.machine, facts, cannotHave, choice);
	}

	/** Modules go last, and from a guest of their own: no case has run in it. */
	private async unloadModules(): Promise<void> {
		const { load, target, context } = this;
		const { shard } = context.choice;
		if (!load?.usable || (shard && shard.index !== 1)) return;
		const assignments = unloadAssignments(target.modules, load);
		if (assignments.some(({ instead }) => instead === undefined)) await this.stopGuest();
		for (const assignment of assignments) await this.finish(assignment, this.group(assignment));
		const [first] = assignments;
		if (first) context.emit({ type: 'suite-end', time: timestamp(), group: this.group(first) });
	}

	private async work(assignments: readonly Assignment[]): Promise<void> {
		for (const assignment of assignments) {
			const group = this.group(assignment);
			const planned = assignment.cases?.length;
			this.context.emit({ type: 'suite-start', time: timestamp(), group, planned });
			for (const part of this.parts(assignment)) await this.finish(part, group);
			this.context.emit({ type: 'suite-end', time: timestamp(), group });
			if (this.context.isolate === 'suite') await this.stopGuest();
		}
	}

	/** An assignment as units of isolation: whole, or a case each. */
	private parts(assignment: Assignment): Assignment[] {
		if (this.context.isolate !== 'case' || !assignment.cases || assignment.instead) return [assignment];
		return assignment.cases.map((one) => ({ ...assignment, cases: [one] }));
	}

	/** Runs an assignment until every case of it is judged. Each guest judges at least one, so this ends. */
	private async finish(assignment: Assignment, group: SuiteGroup): Promise<void> {
		let left: Assignment | undefined = assignment;
		while (left) {
			this.context.progress.signal.throwIfAborted();
			const { instead, cases } = left;
			if (instead) {
				for (const { case: name, catalogue } of cases ?? []) {
					this.record(left, group, { case: name, catalogue, durationMs: 0, diagnostics: [], splats: [], ...instead });
				}
				return;
			}
			const launched = await this.guest();
			if (!launched) return;
			const current: Assignment = left;
			const attempt: AttemptEnd = await runAssignment(
				launched,
				current,
				this.promises,
				this.context.progress.signal,
				(judged) => this.record(current, group, judged),
			);
			const { unreached } = attempt;
			left = unreached.length > 0 ? { ...current, cases: unreached } : undefined;
			if (attempt.guestUsedUp || this.context.isolate === 'case') await this.stopGuest();
		}
	}

	/** The running guest, booted when there is none. Undefined when it does not boot: then that is recorded. */
	private async guest(): Promise<LaunchedGuest | undefined> {
		for (let attempt = 1; !this.launched; attempt++) {
			try {
				this.launched = await launchGuest(this.target, this.context, this.counter);
				this.release = this.launched.guest.facts.release;
				this.judgeBoot(this.launched);
				await this.shipPrograms(this.launched);
				if (!(await this.loadModules(this.launched))) {
					await this.stopGuest();
					return undefined;
				}
			} catch (error) {
				await this.stopGuest();
				this.context.progress.signal.throwIfAborted();
				const retry = attempt < BOOT_ATTEMPTS && error instanceof FencepostError && error.blame === 'infrastructure';
				if (retry) continue;
				this.recordFailure(targetFailure('boot', error), attempt);
				return undefined;
			}
		}
		return this.launched;
	}

	/** What the kernel reported before the first case belongs to no case, and is not forgotten. */
	private judgeBoot({ watch }: LaunchedGuest): void {
		const splats = watch.take();
		if (splats.length === 0) return;
		const reason = splats.map(({ title }) => title).join('; ');
		this.recordFailure({ suite: 'machine', case: 'machine.boot', verdict: 'crash', reason, splats });
	}

	/** Sends the user's programs into the guest: the same road for any file that is not in the image. */
	private async shipPrograms({ guest }: LaunchedGuest): Promise<void> {
		for (const { file, guestPath } of this.target.suites) {
			if (file === undefined) continue;
			const archive = create({ cwd: dirname(file), portable: true, follow: true }, [basename(file)]);
			await guest.put(dirname(guestPath), archive as unknown as Readable, this.context.progress.signal);
		}
	}

	/** Loads the modules into a fresh guest. What came of it is recorded once, and again when it is not good. */
	private async loadModules(launched: LaunchedGuest): Promise<boolean> {
		const { modules } = this.target;
		if (modules.length === 0) return true;
		const first = this.load === undefined;
		const { signal } = this.context.progress;
		const said: [Assignment, Judged][] = [];
		this.load = await loadModules(launched, modules, signal, (...one) => said.push(one));
		if (first || !this.load.usable)
			for (const [assignment, judged] of said) this.record(assignment, this.group(assignment), judged);
		this.context.emit({ type: 'suite-end', time: timestamp(), group: this.groupOf(MODULE_SUITE, '') });
		return this.load.usable;
	}

	private async stopGuest(): Promise<void> {
		const launched = this.launched;
		this.launched = undefined;
		await launched?.guest.stop();
	}

	private recordFailure(failure: TargetFailure, attempts = 1): void {
		const group = { ...this.groupOf('machine', ''), suite: failure.suite };
		this.context.record({
			...group,
			...failure,
			durationMs: 0,
			attempts,
			console: this.launched?.consoleFile ?? '',
			rerun: undefined,
		});
		this.context.emit({ type: 'suite-end', time: timestamp(), group });
	}

	private record(
		assignment: Assignment,
		group: SuiteGroup,
		judged: Pick<CaseResult, 'case' | 'verdict' | 'reason' | 'durationMs' | 'diagnostics' | 'splats' | 'catalogue'>,
	): void {
		const { selector, machine, kernel } = this.target;
		this.context.record({
			...group,
			...judged,
			release: this.release,
			attempts: 1,
			console: assignment.instead ? '' : (this.launched?.consoleFile ?? ''),
			rerun:
				judged.verdict === 'pass' || judged.verdict === 'skip'
					? undefined
					: rerunCommand({
							kernel: selector,
							arch: kernel.arch,
							machine: machine.name,
							planFile: this.context.planFile,
							suite: assignment.suite.name,
							case: judged.case.startsWith(assignment.suite.name) ? undefined : judged.case,
							subject: assignment.subject,
							program: assignment.suite.option,
							modules: this.target.modules.map(({ directory }) => directory),
						}),
		});
	}

	private group(assignment: Assignment): SuiteGroup {
		return this.groupOf(assignment.suite.name, assignment.subject);
	}

	private groupOf(suite: string, subject: string): SuiteGroup {
		const { selector, machine, kernel } = this.target;
		return { kernel: selector.text, release: this.release, arch: kernel.arch, machine: machine.name, suite, subject };
	}
}
