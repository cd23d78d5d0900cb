// SPDX-License-Identifier: MIT
// Out-of-tree modules as a vendor runs them: the example heap, copies of it with a bug, and modules that do not get in.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ARCHES } from '../../src/core/architectures.js';
import { bad, eventsOf, fencepost, resultsOf } from './host.js';

const KERNEL = 'source:6.12';
const EXAMPLE = 'guest/modules/example_heap';
const MUTANT = 'guest/modules/mutant_heap';
/** A build of two kernels from nothing may come first. */
t.setTimeout(45 * 60_000);

const BEGINNING = '#include <linux/module.h>\n#include <linux/dma-buf.h>\n#include <linux/dma-heap.h>\n';

/** A module of few lines. */
function writeModule(parent: string, name: string, body: string): string {
	const directory = join(parent, name);
	mkdirSync(directory);
	writeFileSync(join(directory, 'Kbuild'), `obj-m := ${name}.o\n`);
	writeFileSync(join(directory, `${name}.c`), `${BEGINNING}${body}\nmodule_init(begin);\nMODULE_LICENSE("GPL");\n`);
	return directory;
}

/** A copy of the example, with one thing changed. */
function changedExample(parent: string, from: string, to: string): string {
	const directory = join(parent, 'changed');
	cpSync(EXAMPLE, directory, { recursive: true });
	const file = join(directory, 'example_heap.c');
	const text = readFileSync(file, 'utf8');
	if (!text.includes(from)) throw new Error(`the example has no ${from}`);
	writeFileSync(file, text.replace(from, to));
	return directory;
}

t.test('stock kernels have headers to build against, from Debian’s packages', async (t) => {
	const out = join(t.testdir(), 'run');
	const chosen = ['--suite', 'exporter'];
	const { status, stderr } = await fencepost('run', '--kernel', 'debian:6.12', ...chosen, '--out', out);
	t.equal(status, 0, stderr);
	const { results } = await resultsOf(out);
	t.same(bad(results), []);
	for (const arch of ARCHES) {
		const own = results.filter((one) => one.arch === arch);
		const passed = own.filter(({ verdict }) => verdict === 'pass').map((one) => one.case);
		t.ok(passed.includes('exporter.locks') && passed.includes('exporter.vmap-once'), `${arch}: ${passed.join(' ')}`);
		t.same(
			own.filter(({ reason }) => /needs device/.test(reason)),
			[],
		);
	}
	for (const event of await eventsOf(out)) {
		if (event.type === 'kernel-ready') t.match(event.provenance.join('\n'), /built against linux-headers-6\.12\./);
	}
	// Up to 7.0 the heap interface is not for modules: that is the stock kernel's own doing, and said.
	const refused = await fencepost(
		...['run', '--kernel', 'debian:6.12', '--arch', 'x86_64', '--module', EXAMPLE],
		...['--out', join(t.testdirName, 'module')],
	);
	t.equal(refused.status, 1);
	t.match(refused.stderr, /"dma_heap_add" .*undefined[\s\S]*does not export the heap interface to modules/);
});

t.test('the example heap passes on both architectures, and is all that is judged', async (t) => {
	const out = join(t.testdir(), 'run');
	const { status, stderr } = await fencepost('run', '--kernel', KERNEL, '--module', EXAMPLE, '--out', out);
	t.equal(status, 0, stderr);
	t.notMatch(stderr, /fits no case/, "what is known of the kernel's own heaps is beside the point");
	const { results } = await resultsOf(out);
	t.same(bad(results), []);
	for (const arch of ARCHES) {
		const own = results.filter((one) => one.arch === arch);
		t.ok(own.filter(({ verdict }) => verdict === 'pass').length > 70, `${arch}: more than 70 pass`);
		t.same([...new Set(own.map(({ subject }) => subject))].sort(), ['', 'example'], 'only its heap');
		t.match(
			own.filter(({ suite }) => suite === 'module').map((one) => [one.case, one.verdict, one.reason]),
			[
				['module.example_heap.build', 'pass', ''],
				['module.example_heap.load', 'pass', ''],
				['module.example_heap.unload', 'skip', /no exit function/],
			],
		);
	}
	const ready = (await eventsOf(out)).filter((event) => event.type === 'kernel-ready');
	t.equal(ready.length, 2);
	for (const { provenance } of ready)
		t.match(provenance.join('\n'), /patch heap-exports: exports dma_heap_add and dma_heap_get_drvdata to modules/);
});

t.test('a copy that does not clear its pages fails the cases that say so', async (t) => {
	const parent = t.testdir();
	const module = changedExample(parent, ' | __GFP_ZERO', '');
	const out = join(parent, 'run');
	const { status } = await fencepost('run', '--kernel', KERNEL, '--module', module, '--suite', 'zero', '--out', out);
	t.equal(status, 1);
	const { results } = await resultsOf(out);
	for (const arch of ARCHES) {
		const [fresh] = results.filter((one) => one.arch === arch && one.case === 'heap.zero.fresh');
		t.match(fresh, { verdict: 'fail', subject: 'example', reason: /^expected 0, found 0x/ });
		t.match(fresh?.diagnostics, [
			['at', /^suites\/zero\/zero\.c:\d+$/],
			['expression', "a fresh buffer's bytes"],
		]);
		t.match(fresh?.rerun, `--module ${module} --suite zero --case heap.zero.fresh --subject example`);
	}
	t.ok(results.filter(({ suite }) => suite !== 'zero').every(({ verdict }) => ['pass', 'skip'].includes(verdict)));
});

t.test('modules that do not get in, or do not get out, say why', async (t) => {
	const parent = t.testdir();
	const leaving = 'static void __exit end(void) {}\nmodule_exit(end);';
	const table: [name: string, body: string, exit: number, expected: unknown[]][] = [
		[
			'unready',
			'static int __init begin(void) { return undeclared; }',
			1,
			[['module.unready.build', 'fail', /unready\/unready\.c:4:\d+: error: .undeclared. undeclared/]],
		],
		[
			'unlinked',
			'int nowhere(void);\nstatic int __init begin(void) { return nowhere(); }',
			1,
			[['module.unlinked.build', 'fail', /modpost: "nowhere" .*undefined!/]],
		],
		[
			'refuses',
			'static int __init begin(void) { pr_err("refuses: no such device\\n"); return -EINVAL; }',
			1,
			[
				['module.refuses.build', 'pass', ''],
				['module.refuses.load', 'fail', /Invalid argument; the kernel says: refuses: no such device$/],
			],
		],
		[
			'oopses',
			'static int __init begin(void) { return *(volatile int *)8; }',
			1,
			[
				['module.oopses.build', 'pass', ''],
				['module.oopses.load', 'crash', /NULL pointer dereference/],
			],
		],
		[
			'dangles',
			`static const struct dma_heap_ops ops = { .allocate = (void *)dma_buf_put };
static int __init begin(void)
{
	struct dma_heap_export_info info = { .name = "dangling", .ops = &ops };

	return PTR_ERR_OR_ZERO(dma_heap_add(&info));
}
${leaving}
MODULE_IMPORT_NS(DMA_BUF);`,
			1,
			[
				['module.dangles.build', 'pass', ''],
				['module.dangles.load', 'pass', ''],
				['module.dangles.unload', 'fail', /dma_heap\/dangling is still there.*leave out module_exit/],
			],
		],
		[
			'comes',
			`static int __init begin(void) { return 0; }\n${leaving}`,
			0,
			[
				['module.comes.build', 'pass', ''],
				['module.comes.load', 'pass', ''],
				['module.comes.unload', 'pass', ''],
			],
		],
	];
	for (const [name, body, exit, expected] of table) {
		const module = writeModule(parent, name, body);
		const out = join(parent, `run-${name}`);
		const { status } = await fencepost(
			'run',
			'--kernel',
			KERNEL,
			'--module',
			module,
			'--suite',
			'module',
			'--out',
			out,
		);
		t.equal(status, exit, name);
		const { results } = await resultsOf(out);
		for (const arch of ARCHES) {
			const own = results.filter((one) => one.arch === arch).map((one) => [one.case, one.verdict, one.reason]);
			t.match(own, expected, `${arch} ${name}`);
			t.equal(own.length, expected.length, `${arch} ${name}`);
		}
	}
});

t.test('modules are loaded with the parameters that were asked for, or not at all', async (t) => {
	const run = async (name: string, parameter: string, ...options: string[]) => {
		const out = join(t.testdirName, name);
		const words = ['--kernel', KERNEL, '--arch', 'arm64', '--module', MUTANT, '--module-parameter', parameter];
		const done = await fencepost('run', ...words, ...options, '--out', out);
		return { ...done, results: done.status === 2 ? [] : (await resultsOf(out)).results };
	};
	t.testdir();
	const broken = await run('broken', 'mutant_heap.mutant=M52', '--case', 'sync.start-end');
	t.equal(broken.status, 1, broken.stderr);
	t.match(
		broken.results.find((one) => one.case === 'module.mutant_heap.load'),
		{
			verdict: 'pass',
			diagnostics: [
				['parameters', 'mutant=M52'],
				['heap', 'vendor'],
			],
		},
	);
	t.match(
		broken.results.find((one) => one.case === 'sync.start-end'),
		{
			verdict: 'fail',
			subject: 'vendor',
			rerun: /--module \S+mutant_heap --module-parameter mutant_heap\.mutant=M52 /,
		},
	);
	const refused = await run('refused', 'mutant_heap.mutant=M99', '--suite', 'module');
	t.equal(refused.status, 1);
	t.match(refused.results, [{}, { verdict: 'fail', reason: /the kernel says: mutant_heap: mutant=M99 is not known/ }]);
	for (const [parameter, words] of [
		['mutant_heap.mutants=M52', /mutant_heap has no parameter mutants\n.*did you mean mutant\? there is: .*contiguous/],
		['mutant_heaps.mutant=M52', /no module mutant_heaps was built\n.*did you mean mutant_heap\?/],
	] as const) {
		const wrong = await run(`wrong-${parameter}`, parameter, '--suite', 'module');
		t.equal(wrong.status, 2, parameter);
		t.match(wrong.stderr, words);
	}
});

t.test('what cannot be judged is a miss, what is no module wrong usage', async (t) => {
	const parent = t.testdir({ folder: { 'a.c': '' }, quiet: {} });
	const { results: kept } = await (async () => {
		const out = join(parent, 'quiet-run');
		const module = writeModule(join(parent, 'quiet'), 'silent', 'static int __init begin(void) { return 0; }');
		const options = ['--arch', 'arm64', '--module', module, '--suite', 'name', '--out', out];
		t.equal((await fencepost('run', '--kernel', KERNEL, ...options)).status, 3);
		return resultsOf(out);
	})();
	t.match(
		kept.find(({ verdict }) => verdict === 'miss'),
		{ case: 'module.heaps', reason: /no heap appeared.*the guest has reserved, system.*--subject/ },
		'a module that brings no heap leaves nothing to judge',
	);
	const refused = await fencepost('run', '--kernel', KERNEL, '--module', join(parent, 'folder'));
	t.equal(refused.status, 2);
	t.match(refused.stderr, /folder has neither a Kbuild nor a Makefile/);

	const { image } = (await eventsOf(join(parent, 'quiet-run'))).find((event) => event.type === 'kernel-ready') ?? {};
	const out = join(parent, 'prebuilt');
	const options = ['--arch', 'arm64', '--module', EXAMPLE, '--out', out];
	t.equal((await fencepost('run', '--kernel', `file:${image}`, ...options)).status, 3);
	t.match((await resultsOf(out)).results, [
		{ case: 'module.example_heap.build', verdict: 'miss', reason: /was not built here.*source:VERSION or tree:PATH/ },
	]);
});
