// SPDX-License-Identifier: MIT
import { memoryEndMiB } from '../core/guest-hardware.js';
import { inRange, parseRelease } from '../core/release.js';
import type { Kernel } from '../kernel/kernel.js';
import type { GuestFacts, MachineDeclaration } from '../machine/machine.js';
import { nodeName } from '../machine/qemu/devicetree.js';
import { EDU_ID, IOMMU_RECORDS, STRICT_DOMAIN } from '../machine/qemu/test-hardware.js';
import { IOMMU_NEED, MASTER_NEED } from './device-module.js';

/** Notes a mismatch unless it is met. */
export type Expect = (what: string, asked: string | number, found: string | number, met: boolean) => void;

/** CMA areas are where they were asked to be, by debugfs. */
export function verifyAreas(
	{ cma, regions = [], provides }: MachineDeclaration,
	facts: GuestFacts,
	expect: Expect,
): void {
	const told = facts.more.get('cma.areas');
	if (told === undefined && !provides.includes('debugfs')) return;
	const words = (told ?? '').split(' ').filter((word) => word !== '');
	const areas = words.map((word) => {
		const [baseKiB = 0, sizeKiB = 0] = word.split('+').map(Number);
		return { baseMiB: baseKiB / 1024, sizeMiB: sizeKiB / 1024 };
	});
	const found = areas.map(({ baseMiB, sizeMiB }) => `${sizeMiB} at ${baseMiB}`).join(', ') || 'none';
	for (const { name, sizeMiB, baseMiB } of regions) {
		const there = areas.some((area) => area.sizeMiB === sizeMiB && (baseMiB === undefined || area.baseMiB === baseMiB));
		const place = baseMiB === undefined ? '' : ` at ${baseMiB}`;
		expect(`region ${name} (MiB)`, `${sizeMiB}${place}`, found, there);
	}
	if (cma?.baseMiB === undefined && cma?.limitMiB === undefined) return;
	const { sizeMiB, baseMiB, limitMiB } = cma;
	const there = areas.some(
		(area) =>
			area.sizeMiB === sizeMiB &&
			area.baseMiB >= (baseMiB ?? 0) &&
			area.baseMiB + sizeMiB <= (limitMiB ?? (baseMiB ?? 0) + sizeMiB),
	);
	expect('CMA area (MiB)', `${sizeMiB} from ${baseMiB ?? 0} to ${limitMiB ?? (baseMiB ?? 0) + sizeMiB}`, found, there);
}

/** Each region of the device tree is a heap in kernels from here on (drivers/dma-buf/heaps/cma_heap.c: add_cma_heaps()). */
const REGION_HEAPS_SINCE = '7.2';

/** Regions are heaps, where the kernel makes them so. */
export function verifyRegionHeaps(
	kernel: Kernel,
	{ regions = [] }: MachineDeclaration,
	{ release, heaps }: GuestFacts,
	expect: Expect,
): void {
	const parsed = parseRelease(release);
	if (!parsed || !inRange(parsed, { since: REGION_HEAPS_SINCE })) return;
	if (lacksOption(kernel, ['CONFIG_DMABUF_HEAPS_CMA', 'CONFIG_DMA_CMA'])) return;
	for (const region of regions) {
		const name = nodeName(region);
		expect('heap of a region', name, heaps.join(', ') || 'none', heaps.includes(name));
	}
}

/** Bus masters are there, and behind the IOMMU that was asked for, which translates strictly. */
export function verifyTestHardware(
	kernel: Kernel,
	machine: MachineDeclaration,
	facts: GuestFacts,
	expect: Expect,
	cannotHave: Map<string, string>,
): void {
	const { iommu, devices = [] } = machine;
	if (devices.length > 0) {
		const count = Number(facts.more.get(`pci.${EDU_ID}`) ?? 0);
		expect('edu devices', devices.length, count, count === devices.length);
		const near = lacksNearMemory(kernel, machine);
		if (near) cannotHave.set(MASTER_NEED, near);
	}
	const kind = iommu?.[kernel.arch];
	if (!kind) return;
	const { name, kernelOptions } = IOMMU_RECORDS[kind];
	const lacking = lacksOption(kernel, kernelOptions);
	if (lacking) {
		cannotHave.set(IOMMU_NEED, `${lacking}; profile=devices has it`);
		return;
	}
	const found = facts.more.get('iommu') ?? '';
	expect(
		'IOMMU',
		kind,
		found || 'none',
		found.split(' ').some((one) => name.test(one)),
	);
	const domains = facts.more.get('edu.domains');
	if (devices.length === 0) return;
	const strict = domains?.split(' ').every((domain) => domain === STRICT_DOMAIN) ?? false;
	expect('IOMMU domain of edu', STRICT_DOMAIN, domains ?? 'none', strict);
}

/**
 * Where a device does not reach all memory, its bounce buffers must lie where it does, which on arm64 only a kernel
 * with a zone for that sees to (arch/arm64/mm/init.c: zone_sizes_init(), swiotlb_init()).
 */
function lacksNearMemory(kernel: Kernel, { iommu, devices = [], memoryMiB }: MachineDeclaration): string | undefined {
	const { arch } = kernel;
	const bits = Math.min(...devices.map(({ maskBits }) => maskBits));
	if (arch !== 'arm64' || iommu?.[arch] || 2 ** (bits - 20) >= memoryEndMiB(arch, memoryMiB)) return undefined;
	const lacking = lacksOption(kernel, ['CONFIG_ZONE_DMA32']);
	return (
		lacking && `a device of ${bits} bits does not reach all of ${memoryMiB} MiB, and ${lacking}; profile=devices has it`
	);
}

/** Why this kernel cannot have something, from its config; undefined when it can, or when its config is not known. */
export function lacksOption(kernel: Kernel, options: readonly string[]): string | undefined {
	const { config } = kernel;
	if (!config) return undefined;
	const missing = options.filter((option) => !config.has(option) || config.get(option) === 'n');
	return missing.length > 0 ? `the kernel is built without ${missing.join(', ')}` : undefined;
}
