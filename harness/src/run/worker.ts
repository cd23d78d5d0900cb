// SPDX-License-Identifier: MIT
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { create } from 'tar';
import { timestamp } from '../core/clock.js';
import { FencepostError } from '../core/errors.js';
import type { CaseResult, SuiteGroup } from '../results/events.js';
import type { Splat } from '../verdict/verdict.js';
import { type Assignment, assign } from './assignment.js';
import { type AttemptEnd, type Judged, runAssignment } from './attempt.js';
import { type TargetFailure, targetFailure } from './boot-failure.js';
import type { RunContext, Target } from './context.js';
import { type GuestCounter, type LaunchedGuest, launchGuest, type OpenedTemplate, openTemplate } from './launch.js';
import { MODULE_SUITE } from './module-build-verdict.js';
import { loadModules, type ModuleLoad, moduleChoice, nothingToJudge, unloadAssignments } from './module-load.js';
import { rerunCommand } from './rerun.js';
import { MAX_SECOND_LOOKS, secondLook, wantsSecondLook } from './second-look.js';
import { verifyGuest } from './verify.js';

const BOOT_ATTEMPTS = 2;
/** Errors after which a machine's guests are booted and not cloned. */
const CANNOT_CLONE: ReadonlySet<string> = new Set([
	'TEMPLATE_REFUSED',
	'CLONE_FAILED',
	'CLONE_SILENT',
	'NO_MEMORY_FILE',
]);

/**
 * Runs everything a target has to do: boots, verifies, hands out assignments, and boots again when a guest is
 * used up or gone, so that the cases it did not reach are judged in a fresh one.
 */
export class TargetWorker {
	private launched: LaunchedGuest | undefined;
	private release: string;
	private promises: ReadonlySet<string> = new Set();
	private load: ModuleLoad | undefined;
	private opened: OpenedTemplate | undefined;
	private cannotClone = false;

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
			await this.opened?.template.close();
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
			const { attempt, results } = await this.attempt(launched, left, group);
			const { unreached } = attempt;
			const current: Assignment = left;
			left = unreached.length > 0 ? { ...current, cases: unreached } : undefined;
			if (attempt.guestUsedUp || this.context.isolate === 'case') await this.stopGuest();
			await this.lookAgain(current, group, results);
		}
	}

	private async attempt(
		launched: LaunchedGuest,
		assignment: Assignment,
		group: SuiteGroup,
	): Promise<{ readonly attempt: AttemptEnd; readonly results: readonly CaseResult[] }> {
		const results: CaseResult[] = [];
		const { signal } = this.context.progress;
		const attempt = await runAssignment(launched, assignment, this.promises, signal, (judged) =>
			results.push(this.result(assignment, group, judged)),
		);
		return { attempt, results };
	}

	/** Records results; those that are news are run again first, each alone in a fresh guest, where these cost nothing. */
	private async lookAgain(assignment: Assignment, group: SuiteGroup, results: readonly CaseResult[]): Promise<void> {
		let looks = 0;
		for (const first of results) {
			const alone = assignment.cases?.filter((one) => one.case === first.case) ?? [];
			const again =
				alone.length === 1 &&
				this.context.isolate !== 'run' &&
				wantsSecondLook(first.verdict) &&
				!this.context.expected(first) &&
				looks++ < MAX_SECOND_LOOKS;
			if (!again) {
				this.context.record(first);
				continue;
			}
			await this.stopGuest();
			const launched = await this.guest();
			const part = { ...assignment, cases: alone };
			const second = launched ? (await this.attempt(launched, part, group)).results : [];
			await this.stopGuest();
			const own = second.find((one) => one.case === first.case);
			// What nobody can be blamed for is the suite's own case; alone in a guest, that is this case's too.
			const worst = second.find((one) => wantsSecondLook(one.verdict));
			const judged = own && worst ? { ...own, verdict: worst.verdict, reason: worst.reason } : own;
			this.context.record(judged ? secondLook(first, judged) : first);
		}
	}

	/** The running guest, booted when there is none. Undefined when it does not boot: then that is recorded. */
	private async guest(): Promise<LaunchedGuest | undefined> {
		for (let attempt = 1; !this.launched; attempt++) {
			try {
				this.launched = await this.launch();
				this.release = this.launched.guest.facts.release;
				this.judgeBoot(this.launched.watch.take(), this.launched.consoleFile);
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

	/** A clone of the target's template; booted where one guest does everything, or the machine cannot be cloned. */
	private async launch(): Promise<LaunchedGuest> {
		const { target, context, counter } = this;
		if (context.isolate === 'run' || this.cannotClone) return launchGuest(target, context, counter);
		try {
			this.opened ??= await this.open();
			return await launchGuest(target, context, counter, this.opened.template);
		} catch (error) {
			context.progress.signal.throwIfAborted();
			if (!(error instanceof FencepostError) || !CANNOT_CLONE.has(error.code)) throw error;
			this.cannotClone = true;
			const where = `${target.selector.text} ${target.kernel.arch} ${target.machine.name}`;
			const text = `${where}: guests are booted one by one: ${error.message}`;
			context.emit({ type: 'note', time: timestamp(), text });
			return launchGuest(target, context, counter);
		}
	}

	private async open(): Promise<OpenedTemplate> {
		const opened = await openTemplate(this.target, this.context, this.counter);
		this.release = opened.template.facts.release;
		this.judgeBoot(opened.splats, opened.consoleFile);
		return opened;
	}

	/** What the kernel reported before the first case belongs to no case, and is not forgotten. */
	private judgeBoot(splats: readonly Splat[], consoleFile: string): void {
		if (splats.length === 0) return;
		const reason = splats.map(({ title }) => title).join('; ');
		this.recordFailure({ suite: 'machine', case: 'machine.boot', verdict: 'crash', reason, splats }, 1, consoleFile);
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

	private recordFailure(failure: TargetFailure, attempts = 1, consoleFile = this.launched?.consoleFile ?? ''): void {
		const group = { ...this.groupOf('machine', ''), suite: failure.suite };
		this.context.record({
			...group,
			...failure,
			durationMs: 0,
			attempts,
			console: consoleFile,
			rerun: undefined,
		});
		this.context.emit({ type: 'suite-end', time: timestamp(), group });
	}

	private record(assignment: Assignment, group: SuiteGroup, judged: Judged): void {
		this.context.record(this.result(assignment, group, judged));
	}

	private result(assignment: Assignment, group: SuiteGroup, judged: Judged): CaseResult {
		const { selector, machine, kernel } = this.target;
		return {
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
		};
	}

	private group(assignment: Assignment): SuiteGroup {
		return this.groupOf(assignment.suite.name, assignment.subject);
	}

	private groupOf(suite: string, subject: string): SuiteGroup {
		const { selector, machine, kernel } = this.target;
		return { kernel: selector.text, release: this.release, arch: kernel.arch, machine: machine.name, suite, subject };
	}
}
