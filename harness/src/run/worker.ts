// SPDX-License-Identifier: MIT
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { create } from 'tar';
import { timestamp } from '../core/clock.js';
import { FencepostError } from '../core/errors.js';
import type { CaseResult, SuiteGroup } from '../results/events.js';
import { type Assignment, assign } from './assignment.js';
import { type AttemptEnd, runAssignment } from './attempt.js';
import { type TargetFailure, targetFailure } from './boot-failure.js';
import type { RunContext, Target } from './context.js';
import { type GuestCounter, type LaunchedGuest, launchGuest } from './launch.js';
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
		} finally {
			await this.stopGuest();
		}
	}

	/** What this target has to do, or undefined when its guest is not what was declared. */
	private assignments({ guest }: LaunchedGuest): Assignment[] | undefined {
		const { target, context } = this;
		const { mismatches, cannotHave } = verifyGuest(target.kernel, target.machine, guest.facts);
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
		return assign(target.suites, target.machine, guest.facts, cannotHave, context.choice);
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
