// SPDX-License-Identifier: MIT
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { create } from 'tar';
import type { BuiltModule } from '../kernel/module-build.js';
import type { ModuleFile } from '../kernel/modules.js';
import type { ModuleParameter } from '../plan/module-parameter.js';
import type { Assignment, AssignmentChoice, ListedCase } from './assignment.js';
import { type Judged, runAssignment } from './attempt.js';
import { moduleDeadlineMs } from './deadlines.js';
import type { LaunchedGuest } from './launch.js';
import { MODULE_SUITE } from './module-build-verdict.js';

/** Where modules lie in the guest, and the agent's program, which loads and unloads them as a job. */
const GUEST_FOLDER = '/out-of-tree';
const AGENT = '/init';

/** What came of loading a target's modules. */
export interface ModuleLoad {
	/** All are in, and the guest can be used. */
	readonly usable: boolean;
	/** Heaps that were not there before. */
	readonly heaps: readonly string[];
	/** Modules that are never unloaded, with the reason. */
	readonly permanent: ReadonlyMap<string, string>;
}

export type RecordModule = (assignment: Assignment, judged: Judged) => void;

const NOTHING_PROMISED: ReadonlySet<string> = new Set();

/**
 * Loads modules in a guest that nothing has run in yet. Each is a suite of one case, run and judged by every witness
 * as any other: what the kernel answers, its console, the deadline, the guest's end.
 */
export async function loadModules(
	launched: LaunchedGuest,
	modules: readonly BuiltModule[],
	parameters: readonly ModuleParameter[],
	signal: AbortSignal,
	record: RecordModule,
): Promise<ModuleLoad> {
	const heaps: string[] = [];
	const permanent = new Map<string, string>();
	for (const { name, file } of filesOf(modules)) {
		await launched.guest.put(GUEST_FOLDER, archive(file), signal);
		const own = parameters.filter(({ module }) => module === name).map(({ name: key, value }) => `${key}=${value}`);
		const args = ['insmod', `${GUEST_FOLDER}/${basename(file)}`, ...own];
		const assignment = moduleAssignment(`module.${name}.load`, args);
		let loaded = false;
		const { guestUsedUp } = await runAssignment(launched, assignment, NOTHING_PROMISED, signal, (judged) => {
			const said = (key: string) =>
				(judged.diagnostics ?? []).filter(([found]) => found === key).map(([, text]) => text);
			// A warning on the way in is a crash, but the module is there, and its heaps can be judged too.
			loaded ||= judged.verdict === 'pass' || (judged.verdict === 'crash' && said('found').length === 0);
			heaps.push(...said('heap'));
			for (const why of said('permanent')) permanent.set(name, why);
			record(assignment, judged);
		});
		if (!loaded || guestUsedUp) return { usable: false, heaps, permanent };
	}
	return { usable: true, heaps, permanent };
}

/** What unloading the modules will be: the last first, each in turn. Permanent ones are skips. */
export function unloadAssignments(modules: readonly BuiltModule[], load: ModuleLoad): Assignment[] {
	return filesOf(modules)
		.reverse()
		.map(({ name }): Assignment => {
			const why = load.permanent.get(name);
			const assignment = moduleAssignment(`module.${name}.unload`, ['rmmod', name, ...load.heaps]);
			return why === undefined ? assignment : { ...assignment, instead: { verdict: 'skip', reason: why } };
		});
}

/**
 * Which subjects the suites run against once modules are loaded: where nobody chose any, the heaps that came with
 * them and nothing else, because these are what is being tested.
 */
export function moduleChoice(choice: AssignmentChoice, load: ModuleLoad): AssignmentChoice {
	return choice.subjects === undefined ? { ...choice, subjects: load.heaps } : choice;
}

/** Why the suites have nothing to run against, when no heap came with the modules and nobody chose other subjects. */
export function nothingToJudge(
	choice: AssignmentChoice,
	load: ModuleLoad,
	known: readonly string[],
): string | undefined {
	if (choice.subjects !== undefined || load.heaps.length > 0) return undefined;
	return `no heap appeared when the modules were loaded (the guest has ${known.join(', ') || 'none'}): nothing to run the suites against; --subject '*' runs them against what is there`;
}

function filesOf(modules: readonly BuiltModule[]): ModuleFile[] {
	return modules.flatMap((built) => built.modules);
}

function archive(file: string): Readable {
	return create({ cwd: dirname(file), portable: true, follow: true }, [basename(file)]) as unknown as Readable;
}

function moduleAssignment(name: string, args: readonly string[]): Assignment {
	const cases: ListedCase[] = [{ case: name, catalogue: '', needs: [] }];
	const suite = { name: MODULE_SUITE, guestPath: AGENT, args, cases, file: undefined, option: undefined };
	return { suite, subject: '', cases, mayHold: args[0] === 'insmod', deadlineMs: moduleDeadlineMs };
}
