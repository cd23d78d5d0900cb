// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import { moduleFolderName } from '../kernel/module-source.js';
import { kernelCommandLine } from '../machine/qemu/command-line.js';
import type { PlannedMachine } from '../plan/machine-resolve.js';
import { moduleParameterText } from '../plan/module-parameter.js';
import type { Plan } from '../plan/plan.js';
import type { SuiteProgram } from '../run/assignment.js';

/** What a plan would run, in words; nothing is fetched, built or booted for it. */
export function describePlan(plan: Plan, suites: readonly SuiteProgram[]): string {
	const lines: string[] = [];
	for (const kernel of plan.kernels) {
		for (const arch of plan.arches) {
			for (const machine of plan.machines.filter(({ arches }) => arches.includes(arch))) {
				lines.push(`${kernel.text} ${arch} ${machine.name}: ${machine.memoryMiB} MiB, ${machine.smp} cpus`);
				lines.push(`  command line: ${kernelCommandLine(arch, machine)}`);
				lines.push(...hardware(machine, arch).map((line) => `  ${line}`));
				if (machine.heaps.length > 0) lines.push(`  heaps: ${machine.heaps.join(', ')}`);
			}
		}
	}
	for (const directory of plan.moduleSources) lines.push(`module ${moduleFolderName(directory)}: ${directory}`);
	for (const parameter of plan.moduleParameters) lines.push(`module parameter: ${moduleParameterText(parameter)}`);
	for (const { name, cases, option } of suites) {
		lines.push(cases ? `suite ${name}: ${cases.length} cases` : `program ${name}: ${option ?? ''}`);
		for (const one of cases ?? []) lines.push(`  ${one.case}`);
	}
	return `${lines.join('\n')}\n`;
}

/** What stands on no kernel command line. */
function hardware({ regions, iommu, devices, pageKiB }: PlannedMachine, arch: Arch): string[] {
	const placed = regions.map(
		({ name, sizeMiB, baseMiB }) => `${name} ${sizeMiB} MiB${baseMiB === undefined ? '' : ` at ${baseMiB} MiB`}`,
	);
	return [
		...(pageKiB === undefined ? [] : [`pages: ${pageKiB} KiB`]),
		...(placed.length > 0 ? [`regions: ${placed.join(', ')}`] : []),
		...(iommu[arch] === undefined ? [] : [`iommu: ${iommu[arch]}`]),
		...(devices.length > 0
			? [`devices: ${devices.map(({ model, maskBits }) => `${model} of ${maskBits} bits`).join(', ')}`]
			: []),
	];
}
