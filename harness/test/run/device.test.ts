// SPDX-License-Identifier: MIT
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import { Progress } from '../../src/core/progress.js';
import { kernelCommandLine } from '../../src/machine/qemu/command-line.js';
import { assign } from '../../src/run/assignment.js';
import { deviceModule, lostRows, wantsDevice } from '../../src/run/device-module.js';
import { toleratedSplat } from '../../src/run/tolerated.js';
import { verifyGuest } from '../../src/run/verify.js';
import { alloc, facts, fence, kernel, machine, one } from './scripted.js';

const importer = { ...alloc, name: 'importer', cases: [one('i.plain'), one('i.device', ['heap', 'device'])] };

t.test('the device module is built only for what uses it, and where there is something to build against', async (t) => {
	t.notOk(wantsDevice([alloc, fence, { ...alloc, cases: undefined }]));
	t.ok(wantsDevice([alloc, importer]));
	const cache = new Cache(t.testdir());
	const context = { cache, progress: new Progress('test', new AbortController().signal), projectRoot: '/none' };
	t.match(await deviceModule(kernel, undefined, context), {
		files: [],
		instead: { verdict: 'skip', reason: /^needs device: source:6\.12 was not built here/ },
	});
	t.same(await deviceModule(kernel, '/elsewhere.ko', context), {
		files: [{ name: 'fencepost_device', file: '/elsewhere.ko' }],
	});
});

t.test('a module that does not build is told once, with the rows that it takes with it', async (t) => {
	const instead = { verdict: 'miss', reason: 'device.c:3: error: no such thing' } as const;
	const rows = importer.cases?.[1]?.catalogue;
	t.equal(
		lostRows({ files: [], instead }, [importer, alloc]),
		`device.c:3: error: no such thing; 1 cases are lost to it, of ${rows}`,
	);
	t.equal(lostRows({ files: [], instead: { ...instead, verdict: 'skip' } }, [importer]), undefined);
	t.equal(lostRows({ files: [] }, [importer]), undefined);
});

t.test('without the module the cases that need it get its verdict, and the others run', async (t) => {
	const choice = { subjects: ['system'], shard: undefined };
	const instead = { verdict: 'miss', reason: 'it does not build' } as const;
	const told = (withoutDevice?: typeof instead) =>
		assign([importer], machine, facts, new Map(), choice, { withoutDevice }).map((assigned) => [
			assigned.cases?.map((listed) => listed.case),
			assigned.instead,
		]);
	t.same(told(), [[['i.plain', 'i.device'], undefined]]);
	const master = { ...importer, cases: importer.cases?.map((one) => ({ ...one, needs: ['heap', 'master'] })) };
	t.match(assign([importer, master], machine, facts, new Map([['master', 'no memory']]), choice), [
		{ instead: undefined },
		{ instead: { verdict: 'skip', reason: 'needs master: no memory' } },
	]);
	t.same(told(instead), [
		[['i.plain'], undefined],
		[['i.device'], instead],
	]);
});

t.test('bounce buffers that were declared are on the command line, and looked for in the guest', async (t) => {
	const declared = { ...machine, provides: [...machine.provides, 'debugfs'], swiotlb: { sizeMiB: 16 } };
	const cmdline = kernelCommandLine('arm64', declared);
	t.match(cmdline, / swiotlb=8192,force$/);
	t.match(kernelCommandLine('arm64', { ...declared, swiotlb: { sizeMiB: undefined } }), / swiotlb=force$/);
	const wrong = (found: Record<string, string>, config = new Map([['CONFIG_SWIOTLB', 'y']])) => {
		const more = new Map(Object.entries(found));
		const verified = verifyGuest({ ...kernel, config }, declared, { ...facts, cmdline, more });
		return [...verified.mismatches, ...verified.cannotHave.values()].filter((text) => /swiotlb/i.test(text));
	};
	t.same(wrong({ 'swiotlb.slots': '8192', 'device.bounces': 'Y' }), []);
	t.same(wrong({ 'swiotlb.slots': '8192' }), []);
	t.same(wrong({ 'swiotlb.slots': '512' }), ['swiotlb (MiB): asked for 16, the guest has 1']);
	t.same(wrong({}), ['swiotlb (MiB): asked for 16, the guest has 0']);
	t.same(wrong({ 'swiotlb.slots': '8192', 'device.bounces': 'N' }), [
		'swiotlb: asked for bounced mappings, the guest has mappings that are not',
	]);
	t.same(wrong({}, new Map()), ['the kernel is built without CONFIG_SWIOTLB']);
});

t.test('what the kernel says of what a case provokes is no fault of that case', async (t) => {
	const splat = (report: string, kind: string) => ({
		...{
			kind,
			title: report.split('\n')[0],
			function: undefined,
			line: 1,
			severity: 'warning',
			report,
			case: 'i.narrow',
		},
	});
	const told = (title: string, catalogue: string, kind = 'warning') =>
		toleratedSplat(splat(title, kind) as Parameters<typeof toleratedSplat>[0], catalogue) !== undefined;
	t.ok(told('WARNING: CPU: 0 PID: 36 at kernel/dma/swiotlb.c:1617 swiotlb_map+0x12d/0x13f', 'IMP-05'));
	t.ok(told('WARNING: CPU: 0 PID: 38 at kernel/dma/direct.h:103 dma_direct_map_sg+0x159/0x1b7', 'CMA-09'));
	t.ok(told('WARNING: kernel/dma/direct.c:718 at dma_direct_map_phys+0x13d/0x164, CPU#0: importer/45', 'IMP-05'));
	t.notOk(told('WARNING: kernel/dma/direct.c:718 at dma_direct_map_phys+0x13d/0x164, CPU#0: importer/45', 'IMP-01'));
	t.notOk(told('WARNING: CPU: 0 PID: 36 at drivers/dma-buf/dma-buf.c:188 dma_buf_release+0x1/0x2', 'IMP-05'));
	const vmap = 'WARNING: CPU: 1 PID: 47 at drivers/dma-buf/dma-buf.c:1540 dma_buf_vmap+0x239/0x2f4';
	t.ok(told(vmap, 'IMP-11'));
	t.notOk(told(vmap, 'IMP-10'));
	// Bytes are lost now and then where much is said at once.
	const torn = 'WARNING: drivers/dma-c:16 dma_buf_vm';
	t.notOk(told(torn, 'IMP-11'));
	t.ok(told(`${torn}\n[    4.015835] RIP: 0010:dma_buf_vmap+0xec/0x100`, 'IMP-11'));
	t.ok(told(`${torn}\n[    4.015835] pc : dma_buf_vmap+0xec/0x100`, 'IMP-11'));
	t.notOk(told(`${torn}\n[    4.015835] RIP: 0010:dma_buf_vunmap+0xec/0x100\n dma_buf_vmap+0x1/0x2`, 'IMP-11'));
	t.ok(told('importer: vmalloc error: size 2200, vm_struct allocation failed, mode:0xcc0', 'IMP-11', 'oom'));
	t.ok(told('WARNING: CPU: 0 PID: 9 at drivers/dma-buf/dma-buf.c:913 dma_buf_dynamic_attach+0x1/0x2', 'IMP-16'));
	t.notOk(told('WARNING: CPU: 0 PID: 9 at drivers/dma-buf/dma-buf.c:913 dma_buf_dynamic_attach+0x1/0x2', 'IMP-17'));
	t.ok(told("sysfs: cannot create duplicate filename '/devices/virtual/dma_heap/system'", 'NAME-08'));
	t.notOk(told("sysfs: cannot create duplicate filename '/devices/virtual/misc/udmabuf'", 'NAME-08'));
});
