// SPDX-License-Identifier: MIT
// Measures clones without a run around them: what one case takes from asking for a clone to its result, and how many
// short cases a second two clones at a time get through. Processor time is what to compare on a host that does more.
//   node scripts/bench-clones.mjs                 both architectures, 20 rounds, 200 cases
//   node scripts/bench-clones.mjs --rounds 40 --cases 60 --arch arm64 --smp 1
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { argv } from 'zx';
import './reader-gone.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const harness = (path) => import(join(root, 'harness/dist/src', path));
const [{ Cache }, { Progress }, { parseKernelSelector }, { resolveKernel }, { fetchDebianPackage }] = await Promise.all(
	['core/cache.js', 'core/progress.js', 'core/selector.js', 'kernel/resolve.js', 'kernel/fetch.js'].map(harness),
);
const [{ buildGuestPrograms }, { buildInitramfs }, { QemuStarter }, { resolveMachine }, { loadMachineLibrary }] =
	await Promise.all(
		[
			...['image/suites.js', 'image/initramfs.js', 'machine/qemu/starter.js'],
			...['plan/machine-resolve.js', 'plan/machines.js'],
		].map(harness),
	);

const rounds = Number(argv.rounds ?? 20);
const cases = Number(argv.cases ?? 200);
/** Time for the next clone to be ready: a user's next request comes later than that. */
const PAUSE_MS = 500;
const cache = new Cache();
const { signal } = new AbortController();
const progress = new Progress('bench', signal);
const JOB = {
	program: '/suites/name',
	args: ['--subject', 'system', '--case', 'heap.name.shown'],
	env: { FENCEPOST_HEAP_KIND: 'system', FENCEPOST_TIMEOUT_SCALE: '1' },
	deadlineMs: 60_000,
};

async function openTemplate(arch, directory) {
	const context = { cache, projectRoot: root, progress };
	const kernel = await resolveKernel(parseKernelSelector('source:6.12', 'bench'), arch, context);
	const fetchPackage = (name, debianArch) => fetchDebianPackage(name, debianArch, context);
	const programs = await buildGuestPrograms({ root, arch, suites: ['name'], cache, progress, fetchPackage });
	const initramfs = await buildInitramfs({ arch, agent: programs.agent, suites: programs.suites, cache, progress });
	const declared = resolveMachine('default', await loadMachineLibrary(join(root, 'kernels/machines.yaml')), 'bench');
	const machine = { ...declared, smp: Number(argv.smp ?? declared.smp) };
	const start = {
		spec: { arch, machine, kernel: kernel.image, initramfs: initramfs.path, identity: `${kernel.id} ${initramfs.id}` },
		limits: { bootMs: 60_000, silenceMs: 20_000, hungMs: 10_000 },
		consoleFile: join(directory, 'console.log'),
		onConsole: () => {},
		onCommand: () => {},
		signal,
		progress,
	};
	return { template: await new QemuStarter(cache).template(start), start };
}

/** One case in a clone of its own, as a run has it: accounts before and after, the console settled. Milliseconds. */
async function oneCase({ template, start }) {
	const startedMs = performance.now();
	const guest = await template.clone(start);
	const before = guest.accounts(signal);
	const outcome = await guest.run(JOB, { stdout: () => {}, stderr: () => {} }, signal);
	if (outcome.status !== 0) throw new Error(`the case ended with ${JSON.stringify(outcome)}`);
	await Promise.all([before, guest.accounts(signal), guest.settleConsole(signal)]);
	const tookMs = performance.now() - startedMs;
	await guest.stop();
	return tookMs;
}

/** Processor time of this process and of all its children that have ended, in milliseconds (proc(5): 10 ms ticks). */
async function processorMs() {
	const fields = (await readFile('/proc/self/stat', 'latin1')).replace(/^.*\) /s, '').split(' ');
	return 10 * fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
}

for (const arch of argv.arch ? [argv.arch] : ['arm64', 'x86_64']) {
	const directory = await mkdtemp(join(tmpdir(), 'fencepost-bench-'));
	const opened = await openTemplate(arch, directory);
	try {
		const latencies = [];
		for (let round = 0; round < rounds; round++) {
			await sleep(PAUSE_MS);
			latencies.push(await oneCase(opened));
		}
		latencies.sort((a, b) => a - b);
		const seconds = (ms) => `${(ms / 1000).toFixed(3)} s`;
		const range = `${seconds(latencies[0])} to ${seconds(latencies.at(-1))}`;
		process.stdout.write(`${arch}: ready clone to result: median ${seconds(latencies[rounds >> 1])}, ${range}\n`);
		let left = cases;
		const [beganMs, beganProcessorMs] = [performance.now(), await processorMs()];
		const worker = async () => {
			while (left-- > 0) await oneCase(opened);
		};
		await Promise.all([worker(), worker()]);
		const tookMs = performance.now() - beganMs;
		const each = ((await processorMs()) - beganProcessorMs) / cases;
		const rate = ((1000 * cases) / tookMs).toFixed(1);
		process.stdout.write(
			`${arch}: ${cases} cases, two clones at a time: ${rate} a second, ${each.toFixed(0)} ms each\n`,
		);
	} finally {
		await opened.template.close();
		await rm(directory, { recursive: true, force: true });
	}
}
