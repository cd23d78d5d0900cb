// SPDX-License-Identifier: MIT
// Measures what a user waits for, and prints it beside the target. Times move from machine to machine: compare
// ratios of one run, and run it on an idle host.
//   node scripts/bench.mjs               boots, whole runs, image sizes, help (kernels must be built: minutes if not)
//   node scripts/bench.mjs --build       kernel builds from nothing too, without ccache (several minutes an architecture)
//   node scripts/bench.mjs --rounds 9    more rounds; medians are printed
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, argv, which } from 'zx';
import './reader-gone.mjs';

$.verbose = false;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fencepost = [process.execPath, join(root, 'harness/dist/src/cli/main.js')];
const KERNEL = 'source:6.12';
const rounds = Number(argv.rounds ?? 5);
const ARCHES = ['arm64', 'x86_64'];
/** Seconds, MB for the image, cases a second: the most, of cases the least. */
const TARGETS = {
	'clone to first case, arm64': 0.1,
	'clone to first case, x86_64': 0.1,
	'cases a second, arm64': 16,
	'cases a second, x86_64': 16,
	'boot to first case, arm64': 0.8,
	'boot to first case, x86_64': 1.2,
	'kernel build, arm64': 210,
	'kernel build, x86_64': 210,
	'initramfs, arm64': 2.5,
	'initramfs, x86_64': 2.5,
	'run --help': 0.15,
};

function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)];
}

async function seconds(work) {
	const started = performance.now();
	await work();
	return (performance.now() - started) / 1000;
}

async function repeated(work) {
	const values = [];
	for (let round = 0; round < rounds; round++) values.push(await work());
	return values;
}

async function inDirectory(work) {
	const directory = await mkdtemp(join(tmpdir(), 'fencepost-bench-'));
	try {
		return await work(directory);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

async function events(directory) {
	const text = await readFile(join(directory, 'run/events.jsonl'), 'utf8');
	return text
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line));
}

/** Seconds from spawning QEMU until the one case is judged, in a guest that boots (`run`) or is a clone (`suite`). */
function firstCase(arch, isolate) {
	return inDirectory(async (directory) => {
		const options = ['--kernel', KERNEL, '--arch', arch, '--case', 'heap.name.shown', '--subject', 'system'];
		await $`${fencepost} run ${options} --isolate ${isolate} --out ${join(directory, 'run')}`.quiet();
		const all = await events(directory);
		const at = (type) => Date.parse(all.findLast((event) => event.type === type).time);
		return (at('guest-idle') - at('guest-start')) / 1000;
	});
}

/** Short cases a second, each in a clone of its own, on all cores. */
function throughput(arch) {
	return inDirectory(async (directory) => {
		const options = [
			'--kernel',
			KERNEL,
			'--arch',
			arch,
			'--isolate',
			'case',
			'--subject',
			'system',
			'--subject',
			'sw_sync',
		];
		const suites = ['name', 'size', 'sync', 'sync-file', 'sw-sync', 'mmap'].flatMap((suite) => ['--suite', suite]);
		await $`${fencepost} run ${options} ${suites} --out ${join(directory, 'run')}`.quiet();
		const all = await events(directory);
		const begun = Date.parse(all.find((event) => event.type === 'guest-ready').time);
		const cases = all.filter((event) => event.type === 'guest-idle');
		return cases.length / ((Date.parse(cases.at(-1).time) - begun) / 1000);
	});
}

/** Seconds for virtme-ng to boot the same kernel and run `true`; undefined where it is not installed. */
async function virtmeNg(arch) {
	if (process.arch !== { x86_64: 'x64', arm64: 'arm64' }[arch]) return undefined;
	if (!(await which('vng', { nothrow: true }))) return undefined;
	const [shown] = JSON.parse((await $`${fencepost} kernel show ${KERNEL} --arch ${arch} --json`.quiet()).stdout);
	return seconds(() => $`vng --run ${shown.image} -- true`.quiet());
}

/** Every suite against every heap, kernel and images cached: seconds, and megabytes of the image they are in. */
function wholeRun(arch) {
	return inDirectory(async (directory) => {
		const out = join(directory, 'run');
		const took = await seconds(() => $`${fencepost} run --kernel ${KERNEL} --arch ${arch} --out ${out}`.quiet());
		const started = (await events(directory)).find((event) => event.type === 'guest-start');
		const path = /-initrd (\S+)/.exec(started.command[0])[1];
		return { seconds: took, megabytes: (await stat(path)).size / 1e6 };
	});
}

/** Seconds of the compile phase with an empty cache and no ccache; sources are fetched before the clock starts. */
function kernelBuild(arch) {
	return inDirectory(async (directory) => {
		const env = { ...process.env, XDG_CACHE_HOME: directory, CCACHE_DISABLE: '1' };
		await $({ env })`${fencepost} kernel fetch ${KERNEL} --arch ${arch}`.quiet();
		return seconds(() => $({ env })`${fencepost} kernel build ${KERNEL} --arch ${arch}`.quiet());
	});
}

const rows = [];
function row(name, values, unit) {
	const middle = median(values);
	const target = TARGETS[name];
	const shown = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`;
	const cells = [
		name.padEnd(30),
		shown(middle).padStart(10),
		`${shown(Math.min(...values))} to ${shown(Math.max(...values))}`.padStart(22),
	];
	cells.push(target === undefined ? '' : `${shown(target).padStart(10)}${(middle / target).toFixed(2).padStart(8)}`);
	rows.push(cells.join('  '));
	process.stdout.write(`${rows.at(-1)}\n`);
}

process.stdout.write(
	`${'what'.padEnd(30)}  ${'median'.padStart(10)}  ${'range'.padStart(22)}  ${'target'.padStart(10)}   ratio\n`,
);
row('run --help', await repeated(() => seconds(() => $`${fencepost} run --help`.quiet())), 's');
for (const arch of ARCHES) {
	await firstCase(arch, 'suite'); // everything cached before it counts
	const boots = await repeated(() => firstCase(arch, 'run'));
	row(`boot to first case, ${arch}`, boots, 's');
	const clones = await repeated(() => firstCase(arch, 'suite'));
	row(`clone to first case, ${arch}`, clones, 's');
	row(`  times as fast as a boot, ${arch}`, [median(boots) / median(clones)], '×');
	const other = await virtmeNg(arch);
	if (other !== undefined) row(`  times as fast as virtme-ng, ${arch}`, [other / median(clones)], '×');
	row(`cases a second, ${arch}`, [await throughput(arch)], '/s');
	const whole = await wholeRun(arch);
	row(`initramfs, ${arch}`, [whole.megabytes], 'MB');
	row(`all suites, warm, ${arch}`, [whole.seconds], 's');
	if (argv.build) row(`kernel build, ${arch}`, [await kernelBuild(arch)], 's');
}
