// SPDX-License-Identifier: MIT
import type { Progress } from '../core/progress.js';
import type { KernelSelector } from '../core/selector.js';
import type { Kernel } from '../kernel/kernel.js';
import type { BuiltModule } from '../kernel/module-build.js';
import type { GuestStarter, MachineDeclaration } from '../machine/machine.js';
import type { ModuleParameter } from '../plan/module-parameter.js';
import type { DoneCases } from '../results/done-cases.js';
import type { CaseResult, RunEvent } from '../results/events.js';
import type { Assignment, AssignmentChoice, SuiteProgram } from './assignment.js';
import type { Estimates } from './estimates.js';

/** How much one guest is used for: everything of its target, one suite and subject, or one case. */
export const ISOLATION = ['run', 'suite', 'case'] as const;
export type Isolation = (typeof ISOLATION)[number];

/** What the parts of a run share. */
export interface RunContext {
	readonly starter: GuestStarter;
	readonly progress: Progress;
	/** The run directory. */
	readonly directory: string;
	/** What earlier parts of the run have judged. */
	readonly done: DoneCases;
	readonly planFile: string | undefined;
	/** The device module's .ko for stock kernels and files, where one was named. */
	readonly deviceModule: string | undefined;
	readonly isolate: Isolation;
	/** What is news is run again, alone in a fresh guest; where there is one guest for everything, never. */
	readonly secondLook: boolean;
	readonly choice: AssignmentChoice;
	readonly estimates: Estimates;
	readonly emit: (event: RunEvent) => void;
	/** Whether an expectation speaks of this failure: then it is no news, and not run again. */
	readonly expected: (result: CaseResult) => boolean;
	/** Hands a judged case on: expectations are applied and the event written. */
	readonly record: (result: CaseResult) => void;
}

/** A kernel on a machine, with what to run there. */
export interface Target {
	readonly selector: KernelSelector;
	readonly kernel: Kernel;
	readonly machine: MachineDeclaration;
	readonly suites: readonly SuiteProgram[];
	readonly initramfs: string;
	/** What kernel and initramfs hold, by their hashes. */
	readonly identity: string;
	/** Out-of-tree modules, built for this kernel. */
	readonly modules: readonly BuiltModule[];
	/** Why what uses the device module cannot run here; undefined where it is loaded, and where nothing uses it. */
	readonly withoutDevice?: Assignment['instead'];
	/** What they are loaded with. */
	readonly moduleParameters: readonly ModuleParameter[];
}

/** Progress of what goes on for a target: `source:6.12 arm64 default`. */
export function targetProgress({ progress }: RunContext, { selector, kernel, machine }: Target): Progress {
	return progress.for(`${selector.text} ${kernel.arch} ${machine.name}`);
}
