// SPDX-License-Identifier: MIT
// Runs the suites on kernels that are broken on purpose, and tells which cases notice: docs/mutants.md says how and why.
//   npm run mutants [-- NAME-OR-GLOB...] [--arch x86_64] [--kernel source:6.12] [--fresh] [--all-cases] [--list]
// Exit code: 0 when all are killed and, of a whole run, no case is left that nothing has killed; 1 when not.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, argv } from 'zx';
import { allCases, programBuilder } from '../harness/dist/src/cli/programs.js';
import { Cache } from '../harness/dist/src/core/cache.js';
import { matchesAny } from '../harness/dist/src/core/glob.js';
import { sha256, sha256File } from '../harness/dist/src/core/hash.js';
import { withLock } from '../harness/dist/src/core/lock.js';
import { Progress } from '../harness/dist/src/core/progress.js';
import { parseKernelSelector } from '../harness/dist/src/core/selector.js';
import { loadCatalogue } from '../harness/dist/src/kernel/catalogue.js';
import { withBuildLock } from '../harness/dist/src/kernel/recipe.js';
import { findSource, unpackedSource } from '../harness/dist/src/kernel/source.js';
import { resolveMachine } from '../harness/dist/src/plan/machine-resolve.js';
import { loadMachineLibrary } from '../harness/dist/src/plan/machines.js';
import { MutantKernels } from './mutant-kernel.mjs';
import { MutantMemory } from './mutant-memory.mjs';
import { mutantsPage, unkilledCases } from './mutant-page.mjs';
import { DEFAULT_MACHINE, readMutants } from './mutant-patches.mjs';
import { judgeMutant, MutantRuns, soundness } from './mutant-run.mjs';
import { MutantTree } from './mutant-tree.mjs';

$.verbose = false;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(root, 'docs/mutants.md');

const arch = argv.arch ?? 'x86_64';
const kernel = argv.kernel ?? 'source:6.12';
const mutants = readMutants(root);
const cache = new Cache();
const folder = cache.workPath('mutants');
const runsFolder = join(root, 'runs', `mutants-${arch}`);
const say = (text) => process.stdout.write(`${text}\n`);
const note = (text) => process.stderr.write(`${text}\n`);

const interrupt = new AbortController();
process.on('SIGINT', () => {
	// fencepost gets it as well, and ends by itself; the tree is put back after it.
	interrupt.abort();
});
const progress = new Progress('mutants', interrupt.signal);

function chooseMutants() {
	const globs = argv._.map(String);
	for (const glob of globs) {
		if (mutants.some(({ name }) => matchesAny(name, [glob]))) continue;
		note(`mutants: "${glob}" matches none; --list shows what there is`);
		process.exit(2);
	}
	return globs.length === 0 ? mutants : mutants.filter(({ name }) => matchesAny(name, globs));
}

/** The tree, and the whole kernel without a mutant in `image`. */
async function openKernels(image) {
	const context = { cache, progress, projectRoot: root, catalogue: await loadCatalogue(root) };
	const found = await findSource(parseKernelSelector(kernel, '--kernel'), context);
	const files = [...new Set(mutants.flatMap(({ touches }) => touches))];
	const tree = new MutantTree(await unpackedSource(found, context), join(folder, 'tree'), files);
	await tree.prepare();
	const output = cache.workPath('builds', `mutants-${arch}`);
	const kernels = new MutantKernels({ ...context, arch, tree, output, version: found.kernel.upstream });
	await kernels.buildWhole(image);
	return { kernels, tree };
}

/** What the outcomes hang on, but for the patches themselves. */
async function openMemory(image) {
	const programs = programBuilder(cache, progress);
	const { agent, suites } = await programs(arch);
	const library = await loadMachineLibrary(join(root, 'kernels/machines.yaml'));
	const machines = [...new Set(mutants.map(({ machine }) => machine))];
	const idOf = (name) => sha256(JSON.stringify(resolveMachine(name, library, 'mutants')));
	return new MutantMemory(join(folder, 'outcomes', arch), {
		kernel: await sha256File(image),
		machines: new Map(machines.map((name) => [name, idOf(name)])),
		programs: new Map([agent, ...suites].map(({ name, id }) => [name, id])),
		suiteOf: new Map((await allCases(programs)).map((one) => [one.case, one.suite])),
	});
}

/** Runs cases on the kernel as it is. @param {Set<string>} sound gets what passes. @returns {Promise<object[]>} */
async function runWithout(runs, image, machine, cases, sound) {
	const { results, problem } = await runs.run(`none-${machine}`, image, { machine, cases });
	if (problem) throw new Error(`without a mutant: ${problem}`);
	for (const { case: id, subject, verdict, reason } of results) {
		if (verdict === 'pass') sound.add(soundness(machine, id, subject));
		else if (verdict !== 'skip') note(`without a mutant: ${id} ${subject}: ${verdict}: ${reason}`);
	}
	return results;
}

/** Builds each mutant's kernel while the one before it runs, and calls `done` with what came of each. */
async function runAll(chosen, { kernels, tree }, runs, done) {
	let running = Promise.resolve();
	for (const [index, mutant] of chosen.entries()) {
		const image = join(folder, `kernel-${index % 2}`);
		const refused = await tree.apply(mutant.file);
		kernels.changed(mutant.touches);
		const problem = refused ? `does not apply: ${refused}` : await kernels.build(image);
		await tree.restore();
		kernels.changed(mutant.touches);
		await running;
		if (interrupt.signal.aborted) return;
		running = problem
			? done(mutant, { results: [], seconds: 0, problem })
			: runs.run(mutant.name, image, { ...mutant, cases: argv.allCases ? [] : mutant.expected }).then((ran) => {
					if (!interrupt.signal.aborted) done(mutant, ran);
				});
	}
	await running;
}

function tell(outcome, index, count) {
	const place = `${String(index + 1).padStart(String(count).length)}/${count}`;
	const head = `${outcome.killed ? 'killed  ' : 'SURVIVED'} ${place} ${outcome.seconds.toFixed(0).padStart(4)} s  ${outcome.mutant.name}`;
	const by = outcome.results
		.filter((result) => result.killed)
		.map(({ case: id, subject, verdict }) => `${id} ${subject}${verdict === 'fail' ? '' : ` ${verdict}`}`);
	say(outcome.killed ? `${head.padEnd(62)} ${by.join(', ')}` : `${head}: ${outcome.problem}`);
}

/** @returns {Promise<{ baseline: object[], outcomes: object[] }>} outcomes in the order of the mutants. */
async function runMutants(chosen, whole) {
	mkdirSync(runsFolder, { recursive: true });
	await cache.touch('mutants');
	const image = join(folder, 'kernel-none');
	note('building the kernel without a mutant (the first time takes minutes)');
	const built = await openKernels(image);
	const memory = await openMemory(image);
	const runs = new MutantRuns({ arch, cache, folder: runsFolder, root });
	const sound = new Set();
	let baseline = [];
	for (const machine of new Set([DEFAULT_MACHINE, ...chosen.map((mutant) => mutant.machine)])) {
		const everything = argv.allCases || (whole && machine === DEFAULT_MACHINE);
		const wanted = new Set(chosen.flatMap((mutant) => (mutant.machine === machine ? mutant.expected : [])));
		if (!everything && wanted.size === 0) continue;
		const results = await runWithout(runs, image, machine, everything ? [] : [...wanted], sound);
		if (machine === DEFAULT_MACHINE) baseline = results;
	}

	const outcomes = new Map();
	if (!argv.fresh && !argv.allCases) {
		for (const mutant of chosen) {
			const ran = memory.recall(mutant);
			if (ran) outcomes.set(mutant, judgeMutant(mutant, ran, sound));
		}
		if (outcomes.size > 0) note(`${outcomes.size} of ${chosen.length} were run before, and nothing has changed since`);
	}
	const left = chosen.filter((mutant) => !outcomes.has(mutant));
	const started = performance.now();
	let ended = 0;
	await runAll(left, built, runs, (mutant, ran) => {
		const seen = { ...ran, date: new Date().toISOString().slice(0, 10) };
		const outcome = judgeMutant(mutant, seen, sound);
		outcomes.set(mutant, outcome);
		// Of those that live each run says it again: there is something to do.
		if (outcome.killed && !argv.allCases) memory.keep(mutant, seen);
		tell(outcome, ended++, left.length);
	});
	if (ended > 0) note(`${((performance.now() - started) / 1000 / ended).toFixed(1)} s a mutant`);
	await checkKernel(built, image);
	return { baseline, outcomes: chosen.flatMap((mutant) => outcomes.get(mutant) ?? []) };
}

/** What is built when all mutants are gone must be what was built before the first: nothing of one was in another. */
async function checkKernel({ kernels }, image) {
	if (interrupt.signal.aborted) return;
	const again = join(folder, 'kernel-0');
	const problem = await kernels.build(again);
	if (problem || (await sha256File(again)) !== (await sha256File(image)))
		throw new Error(`after the last mutant the kernel is not what it was before the first: ${problem ?? 'it differs'}`);
	for (const name of ['kernel-0', 'kernel-1', 'kernel-none']) rmSync(join(folder, name), { force: true });
}

if (!/^source:/.test(kernel) || !['x86_64', 'arm64'].includes(arch)) {
	note(`mutants: --kernel ${kernel} --arch ${arch}: accepted are source:VERSION, and x86_64 or arm64`);
	process.exit(2);
}
const chosen = chooseMutants();
const whole = chosen === mutants;
if (argv.list) {
	for (const { name, breaks, expected } of chosen) say(`${name}: ${breaks}\n    ${expected.join(', ')}`);
} else {
	const { baseline, outcomes } = await withLock(
		cache.workPath('locks', 'mutants'),
		() => withBuildLock(`mutants-${arch}`, () => runMutants(chosen, whole), cache, progress),
		undefined,
		() => note('waiting for another run of the mutants'),
	);
	const interrupted = interrupt.signal.aborted;
	const killed = outcomes.filter((outcome) => outcome.killed).length;
	const unkilled = whole && !interrupted ? unkilledCases(baseline, outcomes) : [];
	if (whole && !interrupted) {
		const date = new Date().toISOString().slice(0, 10);
		writeFileSync(PAGE, mutantsPage({ date, release: baseline[0].release, arch, baseline, outcomes }));
		note(`wrote ${relative(process.cwd(), PAGE)}; consoles and results are in ${relative(process.cwd(), runsFolder)}`);
		for (const id of unkilled) say(`nothing has killed ${id}`);
	}
	say(`killed ${killed} of ${chosen.length}`);
	process.exitCode = interrupted ? 130 : killed === chosen.length && unkilled.length === 0 ? 0 : 1;
}
