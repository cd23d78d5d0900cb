// SPDX-License-Identifier: MIT
// What tests of the engine share: a machine, its kernel, suites, and guests that follow a script.
import type { Kernel } from '../../src/kernel/kernel.js';
import type { ScriptedJob } from '../../src/machine/fake/guest.js';
import type { GuestFacts, MachineDeclaration } from '../../src/machine/machine.js';
import { kernelCommandLine } from '../../src/machine/qemu/command-line.js';
import type { SuiteProgram } from '../../src/run/assignment.js';

export const machine: MachineDeclaration = {
	name: 'default',
	arches: ['x86_64', 'arm64'],
	cpu: {},
	memoryMiB: 256,
	smp: 2,
	cma: { sizeMiB: 64 },
	udmabuf: {},
	hugepages: 0,
	cmdline: [],
	heaps: ['system', '@cma'],
	provides: ['sw_sync'],
	modules: [],
};

export const facts: GuestFacts = {
	protocolVersion: 1,
	release: '6.12.107',
	hardware: 'aarch64',
	cmdline: kernelCommandLine('arm64', machine),
	pageSize: 4096,
	cpus: 2,
	memTotalKiB: 240 * 1024,
	cmaTotalKiB: 64 * 1024,
	hugepages: 0,
	heaps: ['reserved', 'system'],
	more: new Map([['sw_sync', '1']]),
};

export const kernel: Kernel = {
	selector: 'source:6.12',
	id: 'k',
	arch: 'arm64',
	release: '6.12.107',
	version: [6, 12, 107],
	image: '/k/Image',
	config: new Map([['CONFIG_DMABUF_HEAPS', 'y']]),
	modulesRoot: undefined,
	buildDirectory: undefined,
	provenance: [],
};

export const one = (name: string, needs: readonly string[] = ['heap']) => ({
	case: name,
	catalogue: 'ALLOC-01',
	needs,
});
export const alloc: SuiteProgram = {
	name: 'alloc',
	guestPath: '/suites/alloc',
	args: [],
	cases: [one('a.one'), one('a.two'), one('a.three')],
	file: undefined,
	option: undefined,
};
export const fence: SuiteProgram = { ...alloc, name: 'fence', cases: [one('f.one', ['sw_sync'])] };

/** What a well-behaved suite prints for the cases it was asked for. */
export function ktap(args: readonly string[], lines: (name: string, number: number) => string, count?: number): string {
	const cases = args.filter((_, i) => args[i - 1] === '--case');
	const body = cases.slice(0, count).map((name, i) => lines(name, i + 1));
	return `KTAP version 1\n1..${cases.length}\n${body.map((line) => `${line}\n`).join('')}`;
}

export const passing = (args: readonly string[]): ScriptedJob => ({
	stdout: ktap(args, (name, n) => `ok ${n} ${name}`),
});
