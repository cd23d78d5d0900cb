// SPDX-License-Identifier: MIT
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ARCHES, type Arch } from '../core/architectures.js';
import { CASE_CLASSES, type CaseClass } from '../core/case-class.js';
import { usageError } from '../core/errors.js';
import { absoluteSelector, type KernelSelector, parseKernelSelector } from '../core/selector.js';
import { parseYaml, readYamlSource } from '../core/yaml-source.js';
import { checkMachine } from './machine-check.js';
import { type PlannedMachine, resolveMachine } from './machine-resolve.js';
import { inlineMachineSchema, loadMachineLibrary, type MachineLibrary } from './machines.js';
import { type ModuleParameter, parseModuleParameter } from './module-parameter.js';

const strings = z.array(z.string().min(1).max(500));

const planSchema = z.strictObject({
	kernels: strings.optional(),
	arches: z.array(z.enum(ARCHES)).min(1, 'expected one architecture at least').optional(),
	machines: z
		.array(z.union([z.string().min(1), inlineMachineSchema]))
		.min(1, 'expected one machine at least')
		.max(100, 'expected at most 100 machines')
		.optional(),
	suites: strings.optional(),
	cases: strings.optional(),
	subjects: strings.optional(),
	programs: strings.optional(),
	timeoutSeconds: z.int().min(1).max(86_400).optional(),
	moduleSources: strings.optional(),
	moduleParameters: strings.optional(),
	expectations: strings.optional(),
	gate: z.array(z.enum(CASE_CLASSES)).min(1).optional(),
});

/** A program of the user's own with its arguments: `--program FILE,ARG,ARG`. */
export interface PlannedProgram {
	readonly file: string;
	readonly args: readonly string[];
}

/** What to run, decided: from a plan file, changed by options. */
export interface Plan {
	readonly kernels: readonly KernelSelector[];
	readonly arches: readonly Arch[];
	readonly machines: readonly PlannedMachine[];
	/** Globs; undefined where nothing was said, which means all. */
	readonly suites: readonly string[] | undefined;
	readonly cases: readonly string[] | undefined;
	readonly subjects: readonly string[] | undefined;
	readonly programs: readonly PlannedProgram[];
	/** How long each of the programs may run in all, seconds of the guest's time; undefined for what is usual. */
	readonly timeoutSeconds: number | undefined;
	/** Folders with the source of out-of-tree modules, absolute: built for each kernel, loaded in this order. */
	readonly moduleSources: readonly string[];
	/** What these modules are loaded with; of two values for one parameter the last. */
	readonly moduleParameters: readonly ModuleParameter[];
	/** Classes of cases that the run fails for; undefined where nothing was said. */
	readonly gate: readonly CaseClass[] | undefined;
	/** Files with expectations, absolute. */
	readonly expectationFiles: readonly string[];
}

/** What the command line says of a plan; an option given replaces the plan's list. */
export interface PlanOptions {
	readonly kernel?: readonly string[] | undefined;
	readonly arch?: readonly string[] | undefined;
	readonly machine?: readonly string[] | undefined;
	readonly suite?: readonly string[] | undefined;
	readonly case?: readonly string[] | undefined;
	readonly subject?: readonly string[] | undefined;
	readonly program?: readonly string[] | undefined;
	readonly module?: readonly string[] | undefined;
	readonly moduleParameter?: readonly string[] | undefined;
	readonly timeout?: number | undefined;
	readonly gate?: readonly CaseClass[] | undefined;
}

/**
 * Reads a plan and applies the options. Relative paths in a file are relative to that file, in options to `cwd`.
 * @throws usage errors naming file:line:column or the option.
 */
export async function loadPlan(file: string, libraryFile: string, options: PlanOptions, cwd: string): Promise<Plan> {
	const text = await readYamlSource(file, '--plan');
	const { value, locate } = parseYaml(text, file, planSchema);
	const base = dirname(resolve(file));
	const inline = (value.machines ?? []).filter((machine) => typeof machine !== 'string');
	for (const [index, machine] of (value.machines ?? []).entries()) {
		const first = inline.find((other) => typeof machine !== 'string' && other.name === machine.name);
		if (first === undefined || first === machine) continue;
		throw usageError(
			'PLAN_MACHINE_TWICE',
			`${locate(['machines', index])}: a second machine is called "${first.name}"`,
			'results are told apart by it: give each a name of its own',
		);
	}
	const library: MachineLibrary = {
		...(await loadMachineLibrary(libraryFile)),
		...Object.fromEntries(inline.map(({ name, ...fields }) => [name, fields])),
	};
	const listed = <T>(
		option: readonly string[] | undefined,
		optionName: string,
		field: 'kernels' | 'programs' | 'moduleSources' | 'moduleParameters',
		parse: (text: string, where: string, directory: string) => T,
	): T[] =>
		option
			? option.map((item) => parse(item, `--${optionName}`, cwd))
			: (value[field] ?? []).map((item, i) => parse(item, locate([field, i]), base));
	const kernels = listed(options.kernel, 'kernel', 'kernels', (item, where, directory) =>
		absoluteSelector(parseKernelSelector(item, where), directory),
	);
	if (kernels.length === 0) {
		throw usageError(
			'PLAN_NO_KERNEL',
			`${file}: no kernel to run`,
			'name one: --kernel source:6.12, or kernels: in the plan',
		);
	}
	const moduleSources = unique(
		listed(options.module, 'module', 'moduleSources', (item, _where, directory) => resolve(directory, item)),
		String,
	);
	const moduleParameters = unique(
		listed(options.moduleParameter, 'module-parameter', 'moduleParameters', (item, where) => {
			const parameter = parseModuleParameter(item, where);
			if (moduleSources.length > 0) return parameter;
			throw usageError(
				'MODULE_PARAMETER_ALONE',
				`${where}: ${item} is for a module, and none is built`,
				'name its folder with --module DIR, or moduleSources: in the plan; parameters of built-in modules go to cmdline: of a machine',
			);
		}),
		({ module, name }) => `${module}.${name}`,
	);
	const machineNames: readonly { name: string; where: string; index: number | undefined }[] = options.machine
		? options.machine.map((name) => ({ name, where: '--machine', index: undefined }))
		: (value.machines ?? ['default']).map((machine, i) => ({
				name: typeof machine === 'string' ? machine : machine.name,
				where: locate(['machines', i]),
				index: i,
			}));
	const arches = options.arch ? unique(options.arch.map(parseArch), String) : (value.arches ?? [...ARCHES]);
	const machines = unique(machineNames, ({ name }) => name).map(({ name, where, index }) => {
		const machine = resolveMachine(name, library, where);
		const wanted = machine.arches.filter((arch) => arches.includes(arch));
		checkMachine(machine, wanted, (...field) => (index === undefined ? where : locate(['machines', index, ...field])));
		return machine;
	});
	if (!machines.some((machine) => machine.arches.some((arch) => arches.includes(arch)))) {
		throw usageError(
			'PLAN_NO_MACHINE',
			`${options.machine ? '--machine' : file}: none of the machines can be had on ${arches.join(' or ')}`,
			machines.map(({ name, arches }) => `${name}: ${arches.join(', ')}`).join('; '),
		);
	}
	return {
		kernels: unique(kernels, (kernel) => kernel.text),
		arches,
		machines,
		suites: options.suite ?? value.suites,
		cases: options.case ?? value.cases,
		subjects: options.subject ?? value.subjects,
		programs: listed(options.program, 'program', 'programs', (item, _where, directory) => {
			const [name = '', ...args] = item.split(',');
			return { file: resolve(directory, name), args };
		}),
		timeoutSeconds: options.timeout ?? value.timeoutSeconds,
		moduleSources,
		moduleParameters,
		gate: options.gate ?? value.gate,
		expectationFiles: (value.expectations ?? []).map((name) => resolve(base, name)),
	};
}

function parseArch(text: string): Arch {
	const arch = ARCHES.find((known) => known === text);
	if (arch) return arch;
	const alias = { amd64: 'x86_64', x86: 'x86_64', 'x86-64': 'x86_64', aarch64: 'arm64' }[text];
	throw usageError(
		'ARCH_UNKNOWN',
		`--arch: unknown architecture "${text}"`,
		`${alias ? `did you mean ${alias}? ` : ''}accepted: ${ARCHES.join(', ')}`,
	);
}

function unique<T>(items: readonly T[], key: (item: T) => string): T[] {
	return [...new Map(items.map((item) => [key(item), item])).values()];
}
