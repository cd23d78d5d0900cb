// SPDX-License-Identifier: MIT
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { describePlan } from '../../src/cli/dry-run.js';
import { FencepostError } from '../../src/core/errors.js';
import { kernelCommandLine, qemuCommandLine, repeatableCommandLine } from '../../src/machine/qemu/command-line.js';
import { moduleParameterText } from '../../src/plan/module-parameter.js';
import { loadPlan, type PlanOptions } from '../../src/plan/plan.js';

const library = 'kernels/machines.yaml';

async function load(t: Tap.Test, text: string, options: PlanOptions = {}) {
	const file = join(t.testdir(), 'plan.yaml');
	await writeFile(file, text);
	return loadPlan(file, library, options, '/somewhere');
}
declare namespace Tap {
	type Test = Pick<typeof t, 'testdir'>;
}

t.test('the default plan and the machine library are sound', async (t) => {
	const plan = await loadPlan('kernels/plans/default.yaml', library, {}, '/');
	t.same(
		plan.kernels.map(({ text }) => text),
		['source:6.12'],
	);
	t.same(plan.arches, ['x86_64', 'arm64']);
	t.equal(plan.machines[0]?.name, 'default');
	t.equal(kernelCommandLine('arm64', plan.machines[0] as never).includes('cma=64M'), true);
	const others = [
		'hugepages',
		'no-cma',
		'incoherent',
		'bounce',
		'iommu',
		'virtio-iommu',
		'far',
		'cma-regions',
		'cma-low',
	];
	for (const machine of others) {
		const { machines } = await loadPlan('kernels/plans/default.yaml', library, { machine: [machine] }, '/');
		t.equal(machines[0]?.name, machine);
	}
});

t.test('options replace what a plan says; paths are relative to where they were written', async (t) => {
	const text = 'kernels: ["tree:linux", source:6.1]\nprograms: ["bin/t,-v"]\ntimeoutSeconds: 20\nsuites: [alloc]\n';
	const plan = await load(t, text);
	t.match(plan.kernels[0], { kind: 'tree', path: join(t.testdirName, 'linux'), text: 'tree:linux' });
	t.match(plan.programs[0], { file: join(t.testdirName, 'bin/t'), args: ['-v'] });
	const changed = await load(t, text, {
		kernel: ['file:k', 'file:k'],
		program: ['p'],
		arch: ['arm64'],
		suite: ['mmap'],
	});
	t.same(
		changed.kernels.map((kernel) => 'path' in kernel && kernel.path),
		['/somewhere/k'],
	);
	t.match(changed.programs[0], { file: '/somewhere/p', args: [] });
	t.same([changed.arches, changed.suites], [['arm64'], ['mmap']]);
	t.equal(plan.timeoutSeconds, 20);
	t.equal((await load(t, text, { timeout: 5 })).timeoutSeconds, 5);
});

t.test('modules are given parameters, the last value of each', async (t) => {
	const text =
		'kernels: [source:6.12]\nmoduleSources: [a-heap]\nmoduleParameters: [a-heap.x=1, a_heap.y=, a_heap.x=2]\n';
	const plan = await load(t, text);
	t.same(plan.moduleSources, [join(t.testdirName, 'a-heap')]);
	t.same(plan.moduleParameters.map(moduleParameterText), ['a_heap.x=2', 'a_heap.y=']);
	const changed = await load(t, text, { moduleParameter: ['a_heap.z=/dev/null,=3'] });
	t.same(changed.moduleParameters, [{ module: 'a_heap', name: 'z', value: '/dev/null,=3' }]);
});

t.test('machines extend, add to the command line, and are checked', async (t) => {
	const plan = await load(
		t,
		`kernels: [source:6.12]
machines:
  - name: big
    extends: default
    arches: [x86_64]
    memoryMiB: 1024
    cma: { sizeMiB: 128, baseMiB: 512, limitMiB: 1024 }
    udmabuf: { listLimit: 7 }
    hugepages: 4
    cpu: { x86_64: Skylake-Client }
    cmdline: [quiet]
`,
	);
	const [machine] = plan.machines;
	t.match(machine, { name: 'big', memoryMiB: 1024, smp: 2, heaps: ['system', '@cma'] });
	if (!machine) return;
	const x86 = { arch: 'x86_64', machine, kernel: '/k/vmlinux', initramfs: '/i/cpio', identity: 'i' } as const;
	const words = [
		'qemu-system-x86_64',
		...['-machine', 'q35', '-accel', 'tcg', '-cpu', 'Skylake-Client', '-smp', '2', '-m', '1024M'],
		...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-nic', 'none'],
		...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
		...['-chardev', 'socket,id=monitor,fd=4', '-mon', 'chardev=monitor,mode=control'],
		...['-chardev', 'stdio,id=console,mux=off,signal=off', '-serial', 'chardev:console'],
		...['-chardev', 'socket,id=agent,fd=3', '-device', 'virtio-serial-pci'],
		...['-device', 'virtserialport,chardev=agent,name=org.fencepost.agent'],
		...['-kernel', '/proc/self/fd/7', '-initrd', '/proc/self/fd/8', '-append'],
		'console=ttyS0 earlyprintk=ttyS0 no_timer_check panic=-1 printk.devkmsg=on loglevel=6 cma=128M@512M-1024M hugepages=4 ' +
			'udmabuf.list_limit=7 init_on_alloc=0 init_on_free=0 quiet',
	];
	t.same(qemuCommandLine(x86, 'tcg', 'boot'), words);
	const byHand: Record<string, string> = {
		'socket,id=monitor,fd=4': 'socket,id=monitor,path=monitor.sock,server=on,wait=off',
		'stdio,id=console,mux=off,signal=off': 'stdio,id=console,mux=off,signal=on',
		'socket,id=agent,fd=3': 'socket,id=agent,path=agent.sock,server=on,wait=off',
		'/proc/self/fd/7': '/k/vmlinux',
		'/proc/self/fd/8': '/i/cpio',
	};
	t.same(
		repeatableCommandLine(x86, 'tcg'),
		words.map((word) => byHand[word] ?? word),
	);
	const spec = { arch: 'arm64', machine, kernel: 'k', initramfs: 'i', identity: 'i' } as const;
	t.equal(qemuCommandLine(spec, 'kvm', 'boot')[2], 'virt,gic-version=host');
	const clone = qemuCommandLine(spec, 'tcg', 'clone').join(' ');
	t.match(
		clone,
		/-machine virt,memory-backend=ram .*size=1024M,mem-path=\/proc\/self\/fd\/6,share=off -incoming defer -S/,
	);
	t.match(qemuCommandLine(spec, 'tcg', 'template').join(' '), /share=on/);
});

t.test('a dry run tells of a machine what no command line does', async (t) => {
	const told = async (machine: string) =>
		describePlan(await loadPlan('kernels/plans/default.yaml', library, { machine: [machine] }, '/'), []);
	t.match(await told('incoherent'), / swiotlb=8192,force .*\n {2}devices: edu of 32 bits\n {2}heaps: /);
	t.match(await told('iommu'), / {2}iommu: intel\n[\s\S]* {2}iommu: smmuv3\n/);
	t.match(
		await told('cma-regions'),
		/^source:6\.12 arm64 .*\n.*\n {2}regions: camera 32 MiB at 1280 MiB, video 64 MiB at 1312 MiB, display 32 MiB\n/,
	);
	t.match(await told('pages64k'), /\n {2}pages: 64 KiB\n/);
});

const ON_ARM = 'memoryMiB: 512, arches: [arm64]';
/** Fields of a machine that cannot be; what is said of it, and how to go on. */
const REFUSED_MACHINES: readonly (readonly [string, RegExp, RegExp?])[] = [
	[
		'iommu: smmuv3',
		/plan\.yaml:3:23: machine "x": iommu smmuv3 is not to be had on x86_64/,
		/x86_64 has intel, virtio/,
	],
	['iommu: { arm64: intel }', /iommu intel is not to be had on arm64/, /arm64 has smmuv3, virtio/],
	['iommu: amd', /plan\.yaml:3:23: .*expected false, or "intel", or "virtio", or "smmuv3".*found "amd"/],
	[
		'devices: [{ edu: { maskBits: 28 } }]',
		/a device edu of 28 bits reaches no memory on arm64, where it begins at 1024 MiB/,
		/at least 31 bits/,
	],
	['devices: [edu, edu, edu, edu, edu]', /at most 4 devices/],
	[
		'regions: [{ name: a, sizeMiB: 16 }]',
		/regions stand in a device tree, and x86_64 guests have none/,
		/arches: \[arm64\]/,
	],
	[
		`${ON_ARM}, regions: [{ name: a, sizeMiB: 16, baseMiB: 1280 }, { name: b, sizeMiB: 16, baseMiB: 1292 }]`,
		/regions a, 1280 to 1296 MiB, and b, 1292 to 1308 MiB, overlap/,
	],
	[
		`${ON_ARM}, regions: [{ name: a, sizeMiB: 16, baseMiB: 1528 }]`,
		/region a, 1528 to 1544 MiB, does not lie in .* 1184 to 1536 MiB/,
	],
	[`${ON_ARM}, regions: [{ name: a, sizeMiB: 16, baseMiB: 1024 }]`, /does not lie in the memory of arm64 guests/],
	[`${ON_ARM}, regions: [{ name: a, sizeMiB: 6 }]`, /is not made of whole 4 MiB/],
	[`${ON_ARM}, regions: [{ name: a, sizeMiB: 16 }, { name: a, sizeMiB: 16 }]`, /two regions are called a/],
	[
		`${ON_ARM}, cma: { sizeMiB: 256 }, regions: [{ name: a, sizeMiB: 256 }]`,
		/the CMA area and the regions together of 512 MiB do not fit into 512 MiB/,
		/below three quarters of memoryMiB: 384 MiB/,
	],
	[
		`${ON_ARM}, regions: [{ name: a, sizeMib: 16 }]`,
		/unknown field "sizeMib" in machines\.0\.regions\.0/,
		/mean sizeMiB/,
	],
	[`${ON_ARM}, regions: [{ name: system, sizeMiB: 16 }]`, /region system without baseMiB would be a heap of that name/],
	['cma: { sizeMiB: 6 }', /plan\.yaml:3:21: machine "x": a CMA area of 6 MiB is not made of whole 4 MiB/],
	['cma: { sizeMiB: 64, baseMiB: 224 }', /no place from 224 to 288 MiB on x86_64, where memory is 0 to 256 MiB/],
	['cma: { sizeMiB: 64, limitMiB: 32 }', /no place from 0 to 32 MiB/],
	['cma: { sizeMiB: 64, baseMiB: 128, limitMiB: 100 }', /no place from 128 to 100 MiB/],
	['cma: { sizeMiB: 64, baseMiB: 2048 }, memoryMiB: 4096', /memory is 0 to 2048 MiB and 4096 to 6144 MiB/],
	['swiotlb: { force: true, sizeMiB: 256 }', /the bounce buffers of 256 MiB do not fit into 256 MiB/],
	[
		'swiotlb: { force: true, sizeMiB: 24 }',
		/bounce buffers of 24 MiB, of which a kernel .* makes 32 MiB/,
		/a power of two/,
	],
	['swiotlb: { force: true, sizeMiB: 2 }, smp: 33', /with 33 processors makes 16 MiB/, /16 or more for 33/],
	['swiotlb: { force: true, sizeMiB: 1.5 }', /a whole number from 1 to 1024 \(found 1\.5\)/],
	['hugepages: 200', /200 huge pages of 2 MiB do not fit into 256 MiB/, /at most 96/],
	['pageKiB: 64', /plan\.yaml:3:25: machine "x": pages of 64 KiB are not to be had on x86_64/, /x86_64 has 4/],
	['pageKiB: 8', /expected 4, or 16, or 64 \(found 8\)/],
	[`${ON_ARM}, pageKiB: 16, cma: { sizeMiB: 64, baseMiB: 1300 }`, /64 MiB at 1300 MiB is not made of whole 32 MiB/],
	[`${ON_ARM}, pageKiB: 64, hugepages: 1`, /1 huge pages of 512 MiB do not fit into 512 MiB/],
	['memoryMiB: .inf', /a whole number from 32 to 1048576 \(found Infinity\)/],
	['udmabuf: { listLimit: 2147483648 }', /a whole number from 1 to 2147483647/],
	['provides: [gpu]', /expected "sw_sync", or "udmabuf", or "debugfs" \(found "gpu"\)/],
	['cmdline: ["a\\u0001"]', /of plain characters/],
	[`${ON_ARM}, regions: [{ name: "a@1", sizeMiB: 16 }]`, /expected a device tree node name/],
	[`${ON_ARM}, regions: [{ name: "7up", sizeMiB: 16 }]`, /expected a device tree node name/],
];

t.test('wrong plans are refused with file, line, column and what is accepted', async (t) => {
	const table: [string, PlanOptions, RegExp, RegExp?][] = [
		['kernals: [source:6.12]\n', {}, /plan\.yaml:1:\d+: unknown field "kernals"/, /did you mean kernels\?/],
		['kernels: [sorce:6.12]\n', {}, /plan\.yaml:1:11: kernel selector "sorce:6\.12"/, /did you mean source:\?/],
		['kernels: []\n', {}, /no kernel to run/],
		['kernels: [source:6.12]\narches: [riscv]\n', {}, /plan\.yaml:2:10: arches\.0/],
		[
			'kernels: [source:6.12]\nmachines: [defualt]\n',
			{},
			/plan\.yaml:2:12: unknown machine "defualt"/,
			/did you mean default\?/,
		],
		[
			'kernels: [source:6.12]\nmachines:\n  - name: x\n    memoryMib: 3\n',
			{},
			/plan\.yaml:4:\d+: unknown field "memoryMib"/,
			/did you mean memoryMiB\?/,
		],
		['kernels: [source:6.12]\nmachines:\n  - { name: x, extends: x }\n', {}, /extends itself/],
		[
			'kernels: [source:6.12]\nmachines:\n  - { name: x, memoryMiB: 64, cma: { sizeMiB: 64 } }\n',
			{},
			/CMA area of 64 MiB does not fit into 64 MiB/,
		],
		['kernels: [source:6.12]\nmachines: []\n', {}, /plan\.yaml:2:11: machines: expected one machine at least/],
		['kernels: [source:6.12]\narches: []\n', {}, /plan\.yaml:2:9: arches: expected one architecture at least/],
		[
			'kernels: [source:6.12]\nmachines:\n  - { name: x }\n  - { name: x, smp: 1 }\n',
			{},
			/plan\.yaml:4:5: a second machine is called "x"/,
		],
		[
			'kernels: [source:6.12]\n',
			{ machine: ['cma-regions'], arch: ['x86_64'] },
			/--machine: none of the machines can be had on x86_64/,
			/cma-regions: arm64/,
		],
		...REFUSED_MACHINES.map(([fields, ...said]): [string, PlanOptions, RegExp, RegExp?] => [
			`kernels: [source:6.12]\nmachines:\n  - { name: x, ${fields} }\n`,
			{},
			...said,
		]),
		['kernels: [source:6.12]\nmachines:\n  - { name: x, cmdline: ["a b"] }\n', {}, /one word without spaces/],
		['kernels: [source:6.12]\n', { arch: ['amd64'] }, /--arch: unknown architecture "amd64"/, /did you mean x86_64\?/],
		[
			'kernels: [source:6.12]\nmoduleSources: [m]\nmoduleParameters: [m.a]\n',
			{},
			/plan\.yaml:3:20: "m\.a" is no module's parameter/,
			/MODULE\.NAME=VALUE/,
		],
		...['a=1', 'm.a=1 2', 'm.a="1"', '.a=1', 'm.=1', 'm.a=\u{e9}'].map(
			(moduleParameter): [string, PlanOptions, RegExp] => [
				'kernels: [source:6.12]\n',
				{ module: ['m'], moduleParameter: [moduleParameter] },
				/^--module-parameter: .* is no module's parameter/,
			],
		),
		[
			'kernels: [source:6.12]\n',
			{ moduleParameter: ['m.a=1'] },
			/--module-parameter: m\.a=1 is for a module, and none is built/,
			/--module DIR/,
		],
		['kernels: [source:6.12]\n', { machine: ['hugepage'] }, /--machine: unknown machine/, /did you mean hugepages\?/],
	];
	for (const [text, options, message, hint] of table) {
		const error = await load(t, text, options).then(
			() => undefined,
			(thrown: unknown) => thrown,
		);
		if (!(error instanceof FencepostError)) {
			t.fail(`${text} was accepted`);
			continue;
		}
		t.equal(error.blame, 'usage');
		t.match(error.message, message);
		if (hint) t.match(error.hint, hint);
	}
	await t.rejects(loadPlan('/no/such/plan.yaml', library, {}, '/'), /cannot read \/no\/such\/plan\.yaml \(ENOENT\)/);
	await t.rejects(loadPlan(t.testdir(), library, {}, '/'), { message: /\(EISDIR\)/, hint: /it is a folder/ });
	await t.rejects(loadPlan('/dev/zero', library, {}, '/'), /\/dev\/zero: larger than 1048576 bytes/);
});
