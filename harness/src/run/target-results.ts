// SPDX-License-Identifier: MIT
import { timestamp } from '../core/clock.js';
import type { CaseResult, SuiteGroup } from '../results/events.js';
import type { Assignment } from './assignment.js';
import type { Judged } from './attempt.js';
import type { TargetFailure } from './boot-failure.js';
import type { RunContext, Target } from './context.js';
import { rerunCommand } from './rerun.js';

/** Turns what is judged in a target's guests into results: whose they are, where their console is, how to rerun them. */
export class TargetResults {
	/** By the kernel's own record, until a guest has told. */
	release: string;

	constructor(
		private readonly target: Target,
		private readonly context: RunContext,
	) {
		this.release = target.kernel.release ?? '';
	}

	group(assignment: Assignment): SuiteGroup {
		return this.groupOf(assignment.suite.name, assignment.subject);
	}

	groupOf(suite: string, subject: string): SuiteGroup {
		const { selector, machine, kernel } = this.target;
		return { kernel: selector.text, release: this.release, arch: kernel.arch, machine: machine.name, suite, subject };
	}

	/** @param consoleFile of the guest it was judged in, relative to the run directory; empty when there was none */
	result(assignment: Assignment, judged: Judged, consoleFile: string): CaseResult {
		const good = judged.verdict === 'pass' || judged.verdict === 'skip';
		return {
			...this.group(assignment),
			...judged,
			attempts: 1,
			console: consoleFile,
			rerun: good ? undefined : this.rerun(assignment, judged.case),
		};
	}

	record(assignment: Assignment, judged: Judged, consoleFile: string): void {
		this.context.record(this.result(assignment, judged, consoleFile));
	}

	/** The same verdict for every case of an assignment, none of which was run. */
	recordAll(assignment: Assignment, verdict: 'skip' | 'miss', reason: string): void {
		const cases = assignment.cases ?? [{ case: assignment.suite.name, catalogue: undefined }];
		for (const { case: name, catalogue } of cases) {
			const judged = { case: name, catalogue, verdict, reason, durationMs: 0, diagnostics: [], splats: [] };
			this.record(assignment, judged, '');
		}
	}

	/** What is wrong with the whole target. */
	recordFailure(failure: TargetFailure, attempts: number, consoleFile: string): void {
		const group = this.groupOf(failure.suite, '');
		this.context.record({ ...group, ...failure, durationMs: 0, attempts, console: consoleFile, rerun: undefined });
		this.context.emit({ type: 'suite-end', time: timestamp(), group });
	}

	/** Something worth knowing that is no verdict. */
	note(text: string): void {
		this.context.emit({ type: 'note', time: timestamp(), text });
	}

	private rerun({ suite, subject }: Assignment, name: string): string {
		const { selector, kernel, machine, modules, moduleParameters } = this.target;
		return rerunCommand({
			kernel: selector,
			arch: kernel.arch,
			machine: machine.name,
			planFile: this.context.planFile,
			suite: suite.name,
			case: suite.cases?.some((one) => one.case === name) ? name : undefined,
			subject,
			program: suite.option,
			deadlineMs: suite.deadlineMs,
			modules: modules.map(({ directory }) => directory),
			moduleParameters,
			deviceModule: this.context.deviceModule,
		});
	}
}
