// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import type { Kernel } from '../kernel/kernel.js';
import type { GuestFacts, MachineDeclaration } from '../machine/machine.js';
import { kernelCommandLine, SWIOTLB_SLOTS_PER_MIB } from '../machine/qemu/command-line.js';
import { BOUNCE_NEED } from './device-module.js';
import { heapKind, heapName, NEED_OPTIONS } from './subjects.js';
import { type Expect, lacksOption, verifyAreas, verifyRegionHeaps, verifyTestHardware } from './verify-hardware.js';

/** What a guest is against what was declared. */
export interface Verification {
	/** Each names what was asked and what is there. Any of them makes every result of the guest a miss. */
	readonly mismatches: readonly string[];
	/** Declared things that this kernel cannot have, with the reason: their suites are skips. */
	readonly cannotHave: ReadonlyMap<string, string>;
}

/** uname -m by architecture. */
const HARDWARE: Record<Arch, string> = { x86_64: 'x86_64', arm64: 'aarch64' };

/**
 * A guest loses some memory to the kernel's image and tables, and to bounce buffers; a debug kernel a third of 256 MiB. At
 * half of what was asked, or below, something is wrong.
 */
const MEMORY_PART = 0.5;

/** Compares the declaration with what the agent found, before the first case (design: fourth law). */
export function verifyGuest(kernel: Kernel, machine: MachineDeclaration, facts: GuestFacts): Verification {
	const mismatches: string[] = [];
	const cannotHave = new Map<string, string>();
	const expect: Expect = (what, asked, found, met) => {
		if (!met) mismatches.push(`${what}: asked for ${asked}, the guest has ${found}`);
	};
	expect('architecture', HARDWARE[kernel.arch], facts.hardware, facts.hardware === HARDWARE[kernel.arch]);
	if (kernel.release !== undefined) expect('release', kernel.release, facts.release, facts.release === kernel.release);
	for (const word of kernelCommandLine(kernel.arch, machine).split(' ')) {
		expect('command line', word, facts.cmdline, facts.cmdline.split(/\s+/).includes(word));
	}
	expect('cpus', machine.smp, facts.cpus, facts.cpus === machine.smp);
	const { pageKiB } = machine;
	if (pageKiB !== undefined) expect('pages (KiB)', pageKiB, facts.pageSize / 1024, facts.pageSize === pageKiB * 1024);
	const memTotalMiB = Math.round(facts.memTotalKiB / 1024);
	expect('memory (MiB)', machine.memoryMiB, memTotalMiB, memTotalMiB > machine.memoryMiB * MEMORY_PART);
	const { regions = [] } = machine;
	if (machine.cma || regions.length > 0) {
		const lacking = lacksOption(kernel, ['CONFIG_DMA_CMA']);
		const sizeMiB = facts.cmaTotalKiB / 1024;
		const askedMiB = regions.reduce((sum, region) => sum + region.sizeMiB, machine.cma?.sizeMiB ?? 0);
		if (lacking) cannotHave.set('cma', lacking);
		else {
			expect('CmaTotal (MiB)', askedMiB, sizeMiB, sizeMiB === askedMiB);
			verifyAreas(machine, facts, expect);
		}
	}
	verifyTestHardware(kernel, machine, facts, expect, cannotHave);
	const withoutHuge = lacksOption(kernel, ['CONFIG_HUGETLBFS']);
	if (machine.hugepages > 0 && withoutHuge) cannotHave.set('hugepages', withoutHuge);
	else expect('hugepages', machine.hugepages, facts.hugepages, facts.hugepages === machine.hugepages);
	verifyLimits(machine, facts, expect);
	const noBounce = lacksOption(kernel, ['CONFIG_SWIOTLB']);
	if (machine.swiotlb && noBounce) cannotHave.set(BOUNCE_NEED, noBounce);
	else verifySwiotlb(machine, facts, expect);
	for (const declared of machine.heaps) {
		const name = heapName(declared, facts.release);
		if (facts.heaps.includes(name)) continue;
		const lacking = lacksOption(kernel, NEED_OPTIONS[`heap:${heapKind(name)}`] ?? []);
		if (lacking) cannotHave.set(`heap ${name}`, lacking);
		else expect('heap', name, facts.heaps.join(', ') || 'none', false);
	}
	verifyRegionHeaps(kernel, machine, facts, expect);
	for (const need of machine.provides) {
		if (facts.more.get(need) === '1') continue;
		const lacking = lacksOption(kernel, NEED_OPTIONS[need] ?? []);
		if (lacking) cannotHave.set(need, lacking);
		else expect(need, 'present', 'none', false);
	}
	for (const module of machine.modules) {
		const state = facts.more.get(`module.${module}`) ?? 'not loaded';
		expect(`module ${module}`, 'loaded', state, state === 'ok');
	}
	return { mismatches, cannotHave };
}

function verifyLimits(machine: MachineDeclaration, facts: GuestFacts, expect: Expect): void {
	const limits = {
		'udmabuf.list_limit': machine.udmabuf.listLimit,
		'udmabuf.size_limit_mb': machine.udmabuf.sizeLimitMiB,
	};
	for (const [name, asked] of Object.entries(limits)) {
		if (asked === undefined) continue;
		const found = facts.more.get(name) ?? 'no such limit';
		expect(name, asked, found, found === String(asked));
	}
}

/** The pool, by debugfs; and that mappings are bounced, which the device module has tried where it is loaded. */
function verifySwiotlb(machine: MachineDeclaration, facts: GuestFacts, expect: Expect): void {
	if (!machine.swiotlb) return;
	const slots = facts.more.get('swiotlb.slots');
	if (slots !== undefined || machine.provides.includes('debugfs')) {
		const sizeMiB = Number(slots ?? 0) / SWIOTLB_SLOTS_PER_MIB;
		const asked = machine.swiotlb.sizeMiB;
		expect('swiotlb (MiB)', asked ?? 'any', sizeMiB, asked === undefined ? sizeMiB > 0 : sizeMiB === asked);
	}
	const bounces = facts.more.get('device.bounces');
	if (bounces !== undefined) expect('swiotlb', 'bounced mappings', 'mappings that are not', bounces === 'Y');
}
