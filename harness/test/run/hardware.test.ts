// SPDX-License-Identifier: MIT
import t from 'tap';
import type { MachineDeclaration } from '../../src/machine/machine.js';
import { kernelCommandLine, qemuCommandLine } from '../../src/machine/qemu/command-line.js';
import { toleratedSplat } from '../../src/run/tolerated.js';
import { verifyGuest } from '../../src/run/verify.js';
import { facts, kernel, machine } from './scripted.js';

const HARDWARE = /iommu|edu|region|area|heap of|pages/i;

/** What is wrong with a guest that was declared so, and shows these facts. */
function wrong(
	declared: MachineDeclaration,
	found: Record<string, string>,
	options: Record<string, string> = {},
	more = {},
) {
	const config = new Map(Object.entries({ CONFIG_DMA_CMA: 'y', CONFIG_DMABUF_HEAPS: 'y', ...options }));
	const cmdline = kernelCommandLine('arm64', declared);
	const seen = { ...facts, cmdline, more: new Map(Object.entries(found)), ...more };
	const { mismatches, cannotHave } = verifyGuest({ ...kernel, config }, declared, seen);
	return { mismatches: mismatches.filter((text) => HARDWARE.test(text)), cannotHave };
}

t.test('an IOMMU and its devices are on the command line, and must be there and strict', async (t) => {
	const declared: MachineDeclaration = {
		...machine,
		iommu: { x86_64: 'intel', arm64: 'smmuv3' },
		devices: [{ model: 'edu', maskBits: 32 }],
	};
	const spec = { machine: declared, kernel: 'k', initramfs: 'i', identity: 'i' };
	const arm = qemuCommandLine({ ...spec, arch: 'arm64' }, 'tcg', 'boot').join(' ');
	t.match(arm, /-machine virt,iommu=smmuv3 .*-device edu,dma_mask=0xffffffff -device virtio-serial-pci/);
	t.match(arm, / iommu\.passthrough=0 iommu\.strict=1 loglevel=7 fencepost_device\.edu_mask_bits=32/);
	const x86 = qemuCommandLine({ ...spec, arch: 'x86_64' }, 'tcg', 'boot').join(' ');
	t.match(x86, /-device intel-iommu,intremap=off -device edu,.* intel_iommu=on,strict iommu\.passthrough=0/);
	const good = { 'pci.1234:11e8': '1', iommu: 'smmu3.0x0000000009050000', 'edu.domains': 'DMA' };
	const smmu = { CONFIG_ARM_SMMU_V3: 'y' };
	t.same(wrong(declared, good, smmu).mismatches, []);
	t.same(wrong(declared, { ...good, 'pci.1234:11e8': '0' }, smmu).mismatches, [
		'edu devices: asked for 1, the guest has 0',
	]);
	t.same(wrong(declared, { ...good, iommu: '' }, smmu).mismatches, ['IOMMU: asked for smmuv3, the guest has none']);
	t.same(wrong(declared, { ...good, 'edu.domains': 'DMA-FQ' }, smmu).mismatches, [
		'IOMMU domain of edu: asked for DMA, the guest has DMA-FQ',
	]);
	const { mismatches, cannotHave } = wrong(declared, { ...good, iommu: '', 'edu.domains': 'none' });
	t.same(mismatches, []);
	t.match(cannotHave.get('iommu'), /built without CONFIG_ARM_SMMU_V3; profile=devices has it/);
});

t.test('a device that does not reach all memory is of use where a kernel keeps memory for it', async (t) => {
	const far: MachineDeclaration = { ...machine, memoryMiB: 5120, devices: [{ model: 'edu', maskBits: 32 }] };
	const there = { 'pci.1234:11e8': '1' };
	const why = /of 32 bits does not reach all of 5120 MiB, and .* without CONFIG_ZONE_DMA32; profile=devices has it/;
	t.match(wrong(far, there).cannotHave.get('master'), why);
	t.equal(wrong(far, there, { CONFIG_ZONE_DMA32: 'y' }).cannotHave.get('master'), undefined);
	for (const reached of [{ memoryMiB: 3072 }, { devices: [{ model: 'edu', maskBits: 33 } as const] }])
		t.equal(wrong({ ...far, ...reached }, there).cannotHave.get('master'), undefined);
});

t.test('pages are of the size that was declared', async (t) => {
	const declared: MachineDeclaration = { ...machine, pageKiB: 64 };
	t.same(wrong(declared, {}).mismatches, ['pages (KiB): asked for 64, the guest has 4']);
	t.same(wrong(declared, {}, {}, { pageSize: 65_536 }).mismatches, []);
});

t.test('regions lie where they were asked to be, and are heaps where the kernel makes them so', async (t) => {
	const declared: MachineDeclaration = {
		...machine,
		provides: ['debugfs'],
		regions: [
			{ name: 'camera', sizeMiB: 16, baseMiB: 1280 },
			{ name: 'display', sizeMiB: 32 },
		],
	};
	const total = { cmaTotalKiB: 112 * 1024 };
	const areas = { 'cma.areas': '1245184+65536 1310720+16384 1572864+32768' };
	t.same(wrong(declared, areas, {}, total).mismatches, []);
	t.same(wrong(declared, { 'cma.areas': '1245184+65536 1327104+16384 1572864+32768' }, {}, total).mismatches, [
		'region camera (MiB): asked for 16 at 1280, the guest has 64 at 1216, 16 at 1296, 32 at 1536',
	]);
	t.same(wrong(declared, {}, {}, total).mismatches, [
		'region camera (MiB): asked for 16 at 1280, the guest has none',
		'region display (MiB): asked for 32, the guest has none',
	]);
	const later = { ...total, release: '7.3.4', heaps: ['system', 'default_cma_region', 'camera@50000000'] };
	const cma = { CONFIG_DMABUF_HEAPS_CMA: 'y' };
	t.same(wrong(declared, areas, cma, later).mismatches, [
		'heap of a region: asked for display, the guest has system, default_cma_region, camera@50000000',
	]);
});

t.test('what an IOMMU refuses is tolerated only where a case provokes it', async (t) => {
	const title = 'DMAR: [DMA Write NO_PASID] Request device [00:02.0] fault addr 0xfffff000';
	const splat = {
		kind: 'iommu-fault',
		title,
		function: undefined,
		line: 1,
		severity: 'warning',
		report: title,
	} as const;
	t.match(toleratedSplat(splat, 'IMP-08'), /go where it may not/);
	t.equal(toleratedSplat(splat, 'IMP-24'), undefined);
});
