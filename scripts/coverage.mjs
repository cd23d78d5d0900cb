// SPDX-License-Identifier: MIT
// Which lines of drivers/dma-buf our suites reach, and for comparison the kernel's own tests: docs/coverage.md.
//   npm run coverage [-- --kernel source:6.12] [--arch x86_64] [--missed FILE.c]
// The kernel is built with the profile `coverage` (gcov). One guest runs everything, and prints its counts at the end.
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, argv } from 'zx';
import { toolPrefix } from '../harness/dist/src/core/architectures.js';
import { Cache } from '../harness/dist/src/core/cache.js';
import { Progress } from '../harness/dist/src/core/progress.js';
import { parseKernelSelector } from '../harness/dist/src/core/selector.js';
import { resolveKernel } from '../harness/dist/src/kernel/resolve.js';
import { coveragePage } from './coverage-page.mjs';
import { countsOf, together } from './gcov-counts.mjs';
import { buildSelftests } from './kernel-selftests.mjs';
import './reader-gone.mjs';

$.verbose = false;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fencepost = [process.execPath, join(root, 'harness/dist/src/cli/main.js')];
const PAGE = join(root, 'docs/coverage.md');
const arch = argv.arch ?? 'x86_64';
const selector = `${argv.kernel ?? 'source:6.12'},profile=coverage`;
const out = join(root, 'runs', `coverage-${arch}`);
const plan = join(out, 'plan.yaml');
const note = (text) => process.stderr.write(`${text}\n`);

/** Compiles a program of scripts/programs for a guest. */
async function compile(name, ...flags) {
	const program = join(out, 'programs', name);
	const c = join(root, 'scripts/programs', `${name}.c`);
	await $`${toolPrefix(arch)}gcc -static -O1 -Wall -Wextra -Werror ${flags} -o ${program} ${c}`;
	return program;
}

/** Runs something in one guest, with `options` of `fencepost run`, and reads what was counted there. */
async function measure(name, options, kernel, dump) {
	note(`${name} on ${selector}, ${arch}`);
	const directory = join(out, name);
	const stdio = ['ignore', 'pipe', process.stderr.isTTY ? 'inherit' : 'pipe'];
	// The counts are a guest's: all must happen in one.
	const { stderr } = await $({
		stdio,
	})`${fencepost} run --plan ${plan} --isolate run ${options} --program ${dump} --out ${directory}`
		.nothrow()
		.quiet();
	let log;
	try {
		log = readFileSync(join(directory, 'events.jsonl'), 'utf8');
	} catch {
		throw new Error(`${name} did not run: ${stderr.trim()}`);
	}
	const events = log
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line));
	const cases = events.filter(({ type }) => type === 'case').map(({ result }) => result);
	const dumped = cases.filter(({ suite }) => suite === basename(dump));
	const files = await countsOf(dumped, kernel.buildDirectory, join(directory, 'gcov'), `${toolPrefix(arch)}gcov`);
	const guests = events.filter(({ type }) => type === 'guest-start').length;
	return { name, guests, files, cases: cases.filter(({ suite }) => suite !== basename(dump)) };
}

/**
 * Our suites, each in a guest of its own. What crashes a guest takes its counts with it: the suite is run again then
 * without the cases that do. `alone` is what needs no module of ours.
 */
async function measureSuites(kernel, dump) {
	const { stdout } = await $`${fencepost} list --json`;
	const listed = JSON.parse(stdout);
	let files = new Map();
	let alone = new Map();
	const all = [];
	for (const suite of new Set(listed.map((one) => one.suite))) {
		let measured = await measure(`suite-${suite}`, ['--suite', suite], kernel, dump);
		if (measured.guests > 1) {
			const crashing = measured.cases.filter(({ splats }) => splats?.length > 0).map((one) => one.case);
			const rest = listed.filter((one) => one.suite === suite && !crashing.includes(one.case));
			note(`without ${crashing.join(', ')}`);
			const options = ['--suite', suite, ...rest.flatMap((one) => ['--case', one.case])];
			measured = await measure(`suite-${suite}-rest`, options, kernel, dump);
		}
		files = together(files, measured.files);
		const devices = listed.some((one) => one.suite === suite && one.needs.includes('device'));
		if (!devices) alone = together(alone, measured.files);
		all.push(...measured.cases);
	}
	return { files, alone, cases: all };
}

/** Modules that are in-kernel tests of drivers/dma-buf, each with what must be loaded before it. */
const KERNEL_TESTS = [['dmabuf_selftests'], ['kunit', 'dmabuf_kunit']];

/** @returns {Promise<{ name: string, file: string }[]>} those that this kernel has. */
async function kernelTests(kernel) {
	const { stdout } = await $`find ${kernel.buildDirectory} -name ${'*.ko'}`;
	const files = new Map(stdout.split('\n').map((file) => [basename(file, '.ko'), file]));
	return KERNEL_TESTS.filter((names) => names.every((name) => files.has(name)))
		.flat()
		.map((name) => ({ name, file: files.get(name) }));
}

const progress = new Progress('coverage', new AbortController().signal, ({ text }) => text && note(text));
const cache = new Cache();
// With its build folder, which holds the .gcno files and leads to the source.
const kernel = await resolveKernel(parseKernelSelector(selector, '--kernel'), arch, {
	cache,
	progress,
	projectRoot: root,
	forModules: true,
});
rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'programs'), { recursive: true });
// JSON is YAML.
writeFileSync(
	plan,
	JSON.stringify({
		kernels: [selector],
		arches: [arch],
		// Under emulation and with counters, some in-kernel tests keep a processor for longer than is usual.
		machines: [
			{ name: 'coverage', extends: 'hugepages', cmdline: ['rcupdate.rcu_cpu_stall_timeout=300', 'watchdog_thresh=60'] },
		],
		expectations: [join(root, 'kernels/expectations.yaml')],
	}),
);
const dump = await compile('gcov-dump');
const source = realpathSync(join(kernel.buildDirectory, 'source'));
const selftests = await buildSelftests(source, arch, join(out, 'programs/selftests'));
const modules = await kernelTests(kernel);
const embedded = modules.map(({ name, file }) => `MODULE("${name}", "${file}")`).join(' ');
const inKernel = await compile('kernel-tests', `-DMODULES=${embedded}`);
const programs = (files) => files.flatMap((file) => ['--program', file]);

/** Their threads can keep all processors of a guest; on a busy host the agent is not heard for too long then. */
async function measureInKernel(files) {
	for (let attempt = 1; ; attempt++) {
		const measured = await measure(`kernel-tests-${attempt}`, programs(files), kernel, dump);
		if (attempt === 3 || measured.cases.every(({ verdict }) => verdict !== 'timeout')) return measured;
	}
}

const runs = [
	await measureSuites(kernel, dump),
	await measure('selftests', programs(selftests), kernel, dump),
	await measureInKernel([inKernel]),
];
if (argv.missed) {
	const { files } = runs[0];
	const file = files.get(argv.missed);
	if (!file) throw new Error(`${argv.missed} is not among ${[...files.keys()].join(', ')}`);
	const text = readFileSync(join(source, 'drivers/dma-buf', file.path), 'utf8').split('\n');
	const missed = [...file.lines].flatMap(([number, count]) => (count === 0 ? [Number(number)] : []));
	for (const line of missed.sort((a, b) => a - b))
		process.stdout.write(`${String(line).padStart(5)}  ${text[line - 1]}\n`);
}
const date = new Date().toISOString().slice(0, 10);
const page = coveragePage({ date, release: kernel.release, arch, modules: modules.map(({ name }) => name), runs });
process.stdout.write(page.slice(page.indexOf('|')));
if (arch === 'x86_64' && !argv.kernel) {
	writeFileSync(PAGE, page);
	note(`wrote ${relative(process.cwd(), PAGE)}`);
}
