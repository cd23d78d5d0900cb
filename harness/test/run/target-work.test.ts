// SPDX-License-Identifier: MIT
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import { FencepostError, infrastructureError } from '../../src/core/errors.js';
import { Progress } from '../../src/core/progress.js';
import { parseKernelSelector } from '../../src/core/selector.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { FakeStarter, type Script, type ScriptedJob } from '../../src/machine/fake/guest.js';
import type { GuestFacts } from '../../src/machine/machine.js';
import { kernelCommandLine } from '../../src/machine/qemu/command-line.js';
import { DoneCases } from '../../src/results/done-cases.js';
import type { CaseResult, RunEvent } from '../../src/results/events.js';
import type { SuiteProgram } from '../../src/run/assignment.js';
import type { Isolation } from '../../src/run/context.js';
import { Dispatcher } from '../../src/run/dispatcher.js';
import { Estimates } from '../../src/run/estimates.js';
import { GuestCounter } from '../../src/run/launch.js';
import { TargetWork } from '../../src/run/target-work.js';
import { verifyGuest } from '../../src/run/verify.js';
import { alloc, facts, fence, kernel, ktap, machine, passing } from './scripted.js';

interface Ran {
	readonly results: CaseResult[];
	readonly events: RunEvent[];
	readonly starter: FakeStarter;
	verdicts(): Record<string, string>;
}

async function work(
	scripts: readonly Script[],
	options: {
		suites?: SuiteProgram[];
		isolate?: Isolation;
		secondLook?: boolean;
		subjects?: string[];
		kernel?: Kernel;
	} = {},
): Promise<Ran> {
	const results: CaseResult[] = [];
	const events: RunEvent[] = [];
	const starter = new FakeStarter(scripts);
	const dispatcher = new Dispatcher({ slots: 1, memoryMiB: 4096 });
	let closed = false;
	new TargetWork(
		{
			selector: parseKernelSelector('source:6.12', 'test'),
			kernel: options.kernel ?? kernel,
			machine,
			suites: options.suites ?? [alloc],
			initramfs: '/i',
			identity: 'i',
			modules: [],
			moduleParameters: [],
		},
		{
			starter,
			progress: new Progress('test', new AbortController().signal),
			directory: '/run',
			done: new DoneCases(),
			planFile: undefined,
			deviceModule: undefined,
			isolate: options.isolate ?? 'run',
			secondLook: options.secondLook ?? true,
			choice: { subjects: options.subjects ?? ['system'], shard: undefined },
			estimates: await Estimates.load(new Cache(t.testdir())),
			emit: (event) => events.push(event),
			expected: () => false,
			record: (result) => results.push(result),
		},
		dispatcher,
		new GuestCounter(),
		() => {
			closed = true;
		},
	).start();
	await dispatcher.idle();
	if (!closed) throw new Error('a target that has nothing to do any more keeps its template');
	const verdicts = () =>
		Object.fromEntries(results.map((result) => [`${result.case} ${result.subject}`, result.verdict]));
	return { results, events, starter, verdicts };
}

const failing = (args: readonly string[]): ScriptedJob => ({
	stdout: ktap(args, (name, n) => `${name === 'a.two' ? 'not ok' : 'ok'} ${n} ${name}`),
	outcome: { status: 1 },
});

t.test('what is news is run again alone, and both verdicts are kept', async (t) => {
	const twice = await work([{ facts, job: ({ args }) => failing(args) }], { isolate: 'suite' });
	t.same(twice.verdicts(), { 'a.one system': 'pass', 'a.two system': 'fail', 'a.three system': 'pass' });
	t.match(
		twice.results.find(({ verdict }) => verdict === 'fail'),
		{ attempts: 2, flaky: undefined, earlier: [{ verdict: 'fail' }] },
	);
	t.equal(twice.starter.started, 2, 'a clone for the suite, and one for the second look');

	const once = await work([{ facts, job: ({ args }) => failing(args) }], { isolate: 'suite', secondLook: false });
	t.match(
		once.results.find(({ verdict }) => verdict === 'fail'),
		{ attempts: 1, earlier: undefined },
		'--no-second-look: what is seen first stands',
	);
	t.equal(once.starter.started, 1);

	const flaky = await work(
		[
			{ facts, job: ({ args }) => failing(args) },
			{ facts, job: ({ args }) => passing(args) },
		],
		{ isolate: 'suite' },
	);
	t.match(
		flaky.results.find(({ verdict }) => verdict === 'fail'),
		{ case: 'a.two', attempts: 2, flaky: true, reason: /run again alone in a fresh guest: pass/ },
		'a first fail stands',
	);

	const lost = await work(
		[
			{ facts, job: () => ({ ends: 'dies' }) },
			{ facts, job: ({ args }) => passing(args) },
		],
		{ isolate: 'suite' },
	);
	t.same(lost.verdicts(), { 'a.one system': 'pass', 'a.two system': 'pass', 'a.three system': 'pass' });
	t.match(
		lost.results.find(({ attempts }) => attempts === 2),
		{ verdict: 'pass', earlier: [{ verdict: 'miss' }] },
		'a miss is what the second run says',
	);
});

t.test('every suite runs against every heap found, and all pass in one guest', async (t) => {
	const ran = await work([{ facts, job: ({ args }) => passing(args) }], { suites: [alloc, fence], subjects: ['*'] });
	t.same(ran.verdicts(), {
		'a.one system': 'pass',
		'a.two system': 'pass',
		'a.three system': 'pass',
		'a.one reserved': 'pass',
		'a.two reserved': 'pass',
		'a.three reserved': 'pass',
		'f.one sw_sync': 'pass',
	});
	t.equal(ran.starter.started, 1);
	t.equal(ran.events.filter(({ type }) => type === 'suite-end').length, 3);
});

t.test('isolation by suite and by case boots a guest for each', async (t) => {
	t.equal(
		(await work([{ facts, job: ({ args }) => passing(args) }], { isolate: 'suite', subjects: ['*'] })).starter.started,
		2,
	);
	const ran = await work([{ facts, job: ({ args }) => passing(args) }], { isolate: 'case' });
	t.equal(ran.starter.started, 3);
	t.equal(ran.results.length, 3);
});

t.test('a guest that dies: the case that ran is judged, the rest runs in a fresh guest', async (t) => {
	const table: [string, ScriptedJob, string, RegExp][] = [
		[
			'a panic',
			{ console: 'fencepost: case a.two subject system\nKernel panic - not syncing: Fatal exception\n', ends: 'dies' },
			'crash',
			/Kernel panic/,
		],
		[
			'gone without a word',
			{ console: 'fencepost: case a.two subject system\n', ends: 'dies' },
			'miss',
			/console does not tell/,
		],
		['a hang', { console: 'fencepost: case a.two subject system\n', ends: 'hangs' }, 'timeout', /hung/],
		['a deadline', { outcome: { timedOut: true, signal: 9 } }, 'timeout', /deadline/],
		['a signal', { outcome: { signal: 11 } }, 'fail', /signal 11/],
	];
	for (const [what, end, verdict, reason] of table) {
		const first: Script = {
			facts,
			job: ({ args }) =>
				args.includes('a.two') ? { ...end, stdout: ktap(args, (name, n) => `ok ${n} ${name}`, 1) } : passing(args),
		};
		const ran = await work([first, { facts, job: ({ args }) => passing(args) }]);
		t.same(ran.verdicts(), { 'a.one system': 'pass', 'a.two system': verdict, 'a.three system': 'pass' }, what);
		t.match(ran.results.find((result) => result.case === 'a.two')?.reason, reason, what);
		t.match(ran.results.find((result) => result.case === 'a.two')?.rerun, /--case a\.two --subject system$/, what);
	}
});

t.test('a warning while a case passes makes it a crash; the others stand', async (t) => {
	const ran = await work([
		{
			facts,
			job: ({ args }) => ({
				...passing(args),
				console:
					'fencepost: case a.one subject system\nfencepost: case a.two subject system\n' +
					'[    1.0] WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-buf.c:188 dma_buf_release+0x1c/0x40\n' +
					'[    1.0] ---[ end trace 0000000000000000 ]---\nfencepost: case a.three subject system\n',
			}),
		},
	]);
	t.same(ran.verdicts(), { 'a.one system': 'pass', 'a.two system': 'crash', 'a.three system': 'pass' });
});

t.test('lies about results do not pass', async (t) => {
	const zero = await work([{ facts, job: () => ({ stdout: '' }) }]);
	t.notOk(
		zero.results.some(({ verdict }) => verdict === 'pass'),
		'nothing printed',
	);
	const status = await work([{ facts, job: ({ args }) => ({ ...passing(args), outcome: { status: 1 } }) }]);
	t.ok(
		status.results.some(({ verdict }) => verdict === 'fail'),
		'all ok, status 1',
	);
	const fewer = await work([{ facts, job: ({ args }) => ({ stdout: ktap(args, (name, n) => `ok ${n} ${name}`, 2) }) }]);
	t.not(fewer.verdicts()['a.three system'], 'pass');
	t.ok(
		fewer.results.some(({ case: name, verdict }) => name === 'a.three' && verdict !== 'pass'),
		'fewer than planned',
	);
});

t.test(
	'a need the machine promises is a miss when the guest lacks it, a skip when the kernel cannot have it',
	async (t) => {
		const skipping = ({ args }: { args: readonly string[] }): ScriptedJob => ({
			stdout: ktap(args, (name, n) => `ok ${n} ${name} # SKIP needs sw_sync: no such file`),
		});
		const miss = await work([{ facts, job: skipping }], { suites: [fence], subjects: ['*'] });
		t.same(miss.verdicts(), { 'f.one sw_sync': 'miss' });
		const without = { ...facts, more: new Map([['sw_sync', '0']]) };
		const cannot = await work([{ facts: without, job: skipping }], { suites: [fence], subjects: ['*'] });
		t.same(cannot.verdicts(), { 'f.one sw_sync': 'skip' });
		t.match(cannot.results[0]?.reason, /built without CONFIG_SW_SYNC/);
	},
);

t.test('huge pages are missing only where the kernel could have them', async (t) => {
	const declared = { ...machine, hugepages: 6 };
	const found = { ...facts, cmdline: kernelCommandLine('arm64', declared) };
	const hugepages = (config: Kernel['config'], there: number) => {
		const verified = verifyGuest({ ...kernel, config }, declared, { ...found, hugepages: there });
		return [verified.mismatches.filter((text) => text.startsWith('hugepages')), verified.cannotHave.get('hugepages')];
	};
	t.same(hugepages(new Map([['CONFIG_HUGETLBFS', 'y']]), 6), [[], undefined]);
	t.same(hugepages(new Map([['CONFIG_HUGETLBFS', 'y']]), 5), [['hugepages: asked for 6, the guest has 5'], undefined]);
	t.same(hugepages(undefined, 0), [['hugepages: asked for 6, the guest has 0'], undefined]);
	t.same(hugepages(new Map(), 0), [[], 'the kernel is built without CONFIG_HUGETLBFS']);
});

t.test('a guest that is not what was declared gives misses that name both', async (t) => {
	const table: [Partial<GuestFacts>, RegExp][] = [
		[{ cmaTotalKiB: 0 }, /CmaTotal \(MiB\): asked for 64, the guest has 0/],
		[{ release: '6.1.1' }, /release: asked for 6\.12\.107, the guest has 6\.1\.1/],
		[{ cmdline: 'quiet' }, /command line: asked for panic=-1, the guest has quiet/],
		[{ heaps: ['system'] }, /heap: asked for reserved, the guest has system/],
		[{ hardware: 'x86_64' }, /architecture: asked for aarch64/],
	];
	const complete: Kernel = {
		...kernel,
		config: new Map(
			['DMABUF_HEAPS', 'DMABUF_HEAPS_CMA', 'DMA_CMA', 'SW_SYNC', 'DEBUG_FS'].map((name) => [`CONFIG_${name}`, 'y']),
		),
	};
	for (const [changed, reason] of table) {
		const ran = await work([{ facts: { ...facts, ...changed }, job: ({ args }) => passing(args) }], {
			kernel: complete,
		});
		t.same(
			ran.results.map((result) => [result.case, result.verdict]),
			[['machine.declaration', 'miss']],
		);
		t.match(ran.results[0]?.reason, reason);
	}
});

t.test('boots that fail: a panic is a crash at once, infrastructure is tried twice', async (t) => {
	const job = () => ({});
	const panic = new FencepostError({
		code: 'BOOT_PANIC',
		blame: 'kernel',
		message: 'Kernel panic - not syncing: VFS',
		evidence: 'tail',
	});
	const crashed = await work([{ facts, job, bootError: panic }]);
	t.same(
		crashed.results.map((result) => [result.case, result.verdict]),
		[['machine.boot', 'crash']],
	);
	t.equal(crashed.starter.started, 1);
	t.match(crashed.results[0]?.reason, /VFS\ntail/);
	const oops =
		'BUG: kernel NULL pointer dereference, address: 0\nRIP: 0010:cma_init+0x1c/0x40\n---[ end trace 0 ]---\n';
	const named = await work([{ facts, job, bootConsole: `${oops}${panic.message}\n`, bootError: panic }]);
	t.match(
		named.results[0]?.reason,
		/^BUG: kernel NULL pointer dereference, address: 0 \(in cma_init\); then Kernel panic - not syncing: VFS\ntail$/,
		'what came first is told first, with its function',
	);
	const silent = infrastructureError('BOOT_SILENT', 'the kernel printed nothing for 8 s');
	const missed = await work([{ facts, job, bootError: silent }]);
	t.same(
		missed.results.map((result) => [result.case, result.verdict]),
		[['machine.boot', 'miss']],
	);
	t.equal(missed.starter.started, 2);
	const warning =
		'WARNING: CPU: 0 PID: 1 at mm/cma.c:10 cma_init+0x1c/0x40\n---[ end trace 0000000000000000 ]---\nnext\n';
	const blamed = await work([{ facts, job, bootConsole: warning, bootError: silent }]);
	t.same(
		blamed.results.map((result) => [result.case, result.verdict]),
		[['machine.boot', 'crash']],
		'silence after a report is the kernel’s',
	);
	const warned = await work([{ facts, job: ({ args }) => passing(args), bootConsole: warning }]);
	t.match(warned.verdicts(), { 'machine.boot ': 'crash', 'a.one system': 'pass' }, 'a report at boot is not lost');
	const second = await work([
		{ facts, job, bootError: silent },
		{ facts, job: ({ args }) => passing(args) },
	]);
	t.equal(second.verdicts()['a.one system'], 'pass');
});

t.test('a heap asked for by name that is not there is a miss', async (t) => {
	const ran = await work([{ facts, job: ({ args }) => passing(args) }], { subjects: ['acme,frames'] });
	t.same([...new Set(ran.results.map(({ verdict }) => verdict))], ['miss']);
	t.match(ran.results[0]?.reason, /acme,frames was asked for; the guest has reserved, system/);
});
