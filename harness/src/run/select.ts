// SPDX-License-Identifier: MIT
import { basename } from 'node:path';
import type { Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { matchesAny } from '../core/glob.js';
import { nearest } from '../core/nearest.js';
import type { CaseInfo } from '../image/cases.js';
import { GUEST_PATHS } from '../image/initramfs.js';
import { checkProgram } from '../image/program.js';
import { moduleFolderName } from '../kernel/module-source.js';
import type { Plan, PlannedProgram } from '../plan/plan.js';
import type { SuiteProgram } from './assignment.js';
import { MODULE_SUITE } from './module-build-verdict.js';

/** What a plan runs: the built-in suites its globs choose, and the user's programs. @throws usage errors for globs that match nothing. */
export function selectSuites(plan: Plan, cases: readonly CaseInfo[]): SuiteProgram[] {
	const onlyPrograms = plan.programs.length > 0 && plan.suites === undefined && plan.cases === undefined;
	const deadlineMs = plan.timeoutSeconds === undefined ? undefined : plan.timeoutSeconds * 1000;
	const programs = plan.programs.map((program) => ({ ...programSuite(program), deadlineMs }));
	if (onlyPrograms) return programs;
	const suites = [...new Set(cases.map(({ suite }) => suite))];
	const ofModules = plan.moduleSources.map((directory) => `${MODULE_SUITE}.${moduleFolderName(directory)}.build`);
	requireMatches('--suite', plan.suites, ofModules.length > 0 ? [...suites, MODULE_SUITE] : suites);
	const inSuites = cases.filter(({ suite }) => plan.suites === undefined || matchesAny(suite, plan.suites));
	requireMatches('--case', plan.cases, [...inSuites.map((one) => one.case), ...ofModules]);
	const chosen = inSuites.filter((one) => plan.cases === undefined || matchesAny(one.case, plan.cases));
	const built = suites
		.map((name) => ({ name, cases: chosen.filter(({ suite }) => suite === name) }))
		.filter((suite) => suite.cases.length > 0)
		.map((suite): SuiteProgram => {
			const guestPath = `${GUEST_PATHS.suites}/${suite.name}`;
			return { ...suite, guestPath, args: [], file: undefined, option: undefined };
		});
	return [...built, ...programs];
}

function programSuite({ file, args }: PlannedProgram): SuiteProgram {
	const name = basename(file);
	return {
		name,
		guestPath: `${GUEST_PATHS.programs}/${name}`,
		args,
		cases: undefined,
		file,
		option: [file, ...args].join(','),
	};
}

/** Refuses programs that cannot run in the guests of this plan, before anything is booted. */
export async function checkPrograms(plan: Plan): Promise<void> {
	const names = new Map<string, string>();
	for (const { file } of plan.programs) {
		const name = basename(file);
		const other = names.get(name);
		if (other !== undefined && other !== file) {
			throw usageError(
				'PROGRAM_NAME_TAKEN',
				`--program: ${other} and ${file} would both be the suite ${name}`,
				'rename one',
			);
		}
		names.set(name, file);
		for (const arch of plan.arches) await checkFor(file, arch, plan.arches);
	}
}

async function checkFor(file: string, arch: Arch, arches: readonly Arch[]): Promise<void> {
	try {
		await checkProgram(file, arch);
	} catch (error) {
		const others = arches.filter((other) => other !== arch);
		const fits = await Promise.all(
			others.map((other) =>
				checkProgram(file, other).then(
					() => other,
					() => undefined,
				),
			),
		);
		const fitting = fits.find((other) => other !== undefined);
		if (fitting === undefined || !(error instanceof Error)) throw error;
		throw usageError(
			'PROGRAM_ARCHITECTURE',
			`--program: ${error.message}, and this run has guests of ${arches.join(' and ')}`,
			`add --arch ${fitting} to run it there alone`,
		);
	}
}

function requireMatches(option: string, globs: readonly string[] | undefined, names: readonly string[]): void {
	for (const glob of globs ?? []) {
		if (names.some((name) => matchesAny(name, [glob]))) continue;
		const meant = nearest(glob.replaceAll('*', ''), names);
		throw usageError(
			'NOTHING_MATCHES',
			`${option} ${glob}: matches nothing`,
			`${meant ? `did you mean ${meant}? ` : ''}fencepost list shows what there is`,
		);
	}
}
