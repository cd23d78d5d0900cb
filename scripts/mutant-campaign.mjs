// SPDX-License-Identifier: MIT
// Mutants of one kernel: it is built and run without any of them, and then with one after the other.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { allCases, programBuilder } from '../harness/dist/src/cli/programs.js';
import { sha256, sha256File } from '../harness/dist/src/core/hash.js';
import { inRange, parseRelease } from '../harness/dist/src/core/release.js';
import { parseKernelSelector } from '../harness/dist/src/core/selector.js';
import { loadCatalogue } from '../harness/dist/src/kernel/catalogue.js';
import { loadPatches } from '../harness/dist/src/kernel/patch.js';
import { patchedSource } from '../harness/dist/src/kernel/patched-source.js';
import { findSource, unpackedSource } from '../harness/dist/src/kernel/source.js';
import { resolveMachine } from '../harness/dist/src/plan/machine-resolve.js';
import { loadMachineLibrary } from '../harness/dist/src/plan/machines.js';
import { MutantDevices } from './mutant-device.mjs';
import { MutantKernels } from './mutant-kernel.mjs';
import { MutantMemory } from './mutant-memory.mjs';
import { DEFAULT_KERNEL, kernelPart, namedFor } from './mutant-patches.mjs';
import { judgeMutant, MutantRuns, soundness } from './mutant-run.mjs';
import { MutantTree } from './mutant-tree.mjs';

/**
 * @typedef {object} Campaign
 * @property {string} root of the project.
 * @property {string} arch
 * @property {string} kernel A selector, `source:VERSION`.
 * @property {import('../harness/dist/src/core/cache.js').Cache} cache
 * @property {import('../harness/dist/src/core/progress.js').Progress} progress Its signal ends the campaign.
 * @property {string} runsFolder For what the runs leave.
 * @property {readonly import('./mutant-patches.mjs').Mutant[]} mutants All there are for this kernel.
 * @property {boolean} fresh Whether what was seen earlier counts for nothing.
 * @property {boolean} allCases Whether every case is run on each.
 * @property {(text: string) => void} note
 * @property {(outcome: object, index: number, count: number) => void} tell Called for each that was run.
 */

export class MutantCampaign {
	/** `soundness` of what passes without a mutant. */
	#sound = new Set();

	/** @param {Campaign} campaign @param {string} profile that the kernel is built by. */
	constructor(campaign, profile) {
		this.campaign = campaign;
		this.profile = profile;
		this.folder = campaign.cache.workPath('mutants', kernelPart(campaign.kernel));
		this.plain = join(this.folder, 'kernel-none');
		this.runs = new MutantRuns({ ...campaign, folder: join(campaign.runsFolder, profile) });
	}

	/** Builds the kernel without a mutant, as a whole. */
	async prepare() {
		const { arch, cache, kernel, mutants, progress, root } = this.campaign;
		mkdirSync(this.folder, { recursive: true });
		mkdirSync(this.runs.facts.folder, { recursive: true });
		await cache.touch('mutants');
		const context = { cache, progress, projectRoot: root, catalogue: await loadCatalogue(root) };
		const found = await findSource(parseKernelSelector(kernel, '--kernel'), context);
		const files = [...new Set(mutants.flatMap(({ ofDevice, touches }) => (ofDevice ? [] : touches)))];
		// As the recipe builds it: with the heap interface exported, which the device module adds heaps by.
		const version = found.kernel.upstream;
		const recipe = { release: parseRelease(version), profile: this.profile, asItIs: false };
		const patches = await loadPatches(root, recipe);
		const view = join(this.folder, `source-${this.profile}`);
		const source = await patchedSource(await unpackedSource(found, context), patches, view, cache, progress.signal);
		this.tree = new MutantTree(source.path, join(this.folder, 'tree'), files);
		await this.tree.prepare();
		const output = cache.workPath('builds', buildName(kernel, arch, this.profile));
		const { profile, tree } = this;
		this.kernels = new MutantKernels({ ...context, arch, profile, tree, output, version });
		await this.kernels.buildWhole(this.plain);
		this.devices = new MutantDevices({ ...this.campaign, folder: join(this.folder, 'device'), output });
		this.device = await this.devices.build('plain');
		this.runs.facts.device = this.device.file;
		this.memory = await this.#openMemory();
	}

	/** What the outcomes hang on, but for the patches themselves. */
	async #openMemory() {
		const { arch, cache, mutants, progress, root } = this.campaign;
		const programs = programBuilder(cache, progress);
		const { agent, suites } = await programs(arch);
		this.cases = await allCases(programs);
		const using = new Set(this.cases.filter(({ needs }) => needs.includes('device')).map(({ suite }) => suite));
		const library = await loadMachineLibrary(join(root, 'kernels/machines.yaml'));
		const machines = new Set(mutants.map(({ machine }) => machine));
		const idOf = (name) => sha256(JSON.stringify(resolveMachine(name, library, 'mutants')));
		return new MutantMemory(join(this.folder, 'outcomes', arch), {
			kernel: await sha256File(this.plain),
			machines: new Map([...machines].map((name) => [name, idOf(name)])),
			programs: new Map(
				[agent, ...suites].map(({ name, id }) => [name, using.has(name) ? `${id} ${this.device.id}` : id]),
			),
			suiteOf: new Map(this.cases.map((one) => [one.case, one.suite])),
		});
	}

	/** Ids of the cases that the usual kernel is too new for: only an older one can show that they fail. */
	olderCases() {
		const usual = parseRelease(DEFAULT_KERNEL.slice('source:'.length));
		return this.cases.filter(({ until }) => !inRange(usual, { until })).map((one) => one.case);
	}

	/** Runs cases without a mutant; all when none are named. @returns {Promise<object[]>} their results. */
	async runWithout(machine, cases) {
		const { note } = this.campaign;
		const { results, problem } = await this.runs.run(`none-${machine}`, this.plain, { machine, cases });
		if (problem) throw new Error(`without a mutant: ${problem}`);
		for (const { case: id, subject, verdict, reason } of results) {
			if (verdict === 'pass') this.#sound.add(soundness(machine, id, subject));
			else if (verdict !== 'skip') note(`without a mutant: ${id} ${subject}: ${verdict}: ${reason}`);
		}
		return results;
	}

	/** @returns {Promise<Map<object, object>>} what came of each; of fewer when it was interrupted. */
	async runMutants(chosen) {
		const { allCases, fresh, note, progress, tell } = this.campaign;
		const outcomes = new Map();
		const recalled = fresh || allCases ? [] : chosen.map((mutant) => [mutant, this.memory.recall(mutant)]);
		for (const [mutant, ran] of recalled) if (ran) outcomes.set(mutant, judgeMutant(mutant, ran, this.#sound));
		if (outcomes.size > 0) note(`${outcomes.size} of ${chosen.length} were run before, and nothing has changed since`);
		const left = chosen.filter((mutant) => !outcomes.has(mutant));
		const startedMs = performance.now();
		let ended = 0;
		const done = (mutant, ran) => {
			const seen = { ...ran, date: new Date().toISOString().slice(0, 10) };
			const outcome = judgeMutant(mutant, seen, this.#sound);
			outcomes.set(mutant, outcome);
			// Of those that live each run says it again: there is something to do.
			if (outcome.killed && !allCases) this.memory.keep(mutant, seen);
			tell(outcome, ended++, left.length);
		};
		try {
			await this.#runAll(left, done);
			await this.#checkKernel();
		} catch (error) {
			if (!progress.signal.aborted) throw error;
		}
		if (ended > 0) note(`${((performance.now() - startedMs) / 1000 / ended).toFixed(1)} s a mutant`);
		return outcomes;
	}

	/** Builds each mutant while the one before it runs, and calls `done` with what came of each. */
	async #runAll(chosen, done) {
		const { allCases, progress } = this.campaign;
		let running = Promise.resolve();
		try {
			for (const [index, mutant] of chosen.entries()) {
				const { problem, image, device } = await (mutant.ofDevice
					? this.#buildDevice(mutant, index % 2)
					: this.#build(mutant, index % 2));
				await running;
				if (progress.signal.aborted) return;
				const what = { ...mutant, cases: allCases ? [] : mutant.expected, ...(device && { device }) };
				running = problem
					? done(mutant, { results: [], seconds: 0, problem })
					: this.runs.run(mutant.name, image, what).then((ran) => {
							if (!progress.signal.aborted) done(mutant, ran);
						});
			}
		} finally {
			await running;
		}
	}

	/** @returns {Promise<{ image: string, problem?: string }>} the kernel with the mutant, or why there is none. */
	async #build({ file, touches }, slot) {
		const image = join(this.folder, `kernel-${slot}`);
		try {
			const refused = await this.tree.apply(file);
			this.kernels.changed(touches);
			return { image, problem: refused ? `does not apply: ${refused}` : await this.kernels.build(image) };
		} finally {
			await this.tree.restore();
			this.kernels.changed(touches);
		}
	}

	/** @returns {Promise<{ image: string, device: string, problem?: string }>} the kernel without a mutant, and the module with it. */
	async #buildDevice({ file }, slot) {
		const { file: device, problem } = await this.devices.build(`mutant-${slot}`, file);
		return { image: this.plain, device, problem };
	}

	/** What is built when all mutants are gone must be what was built before the first: nothing of one was in another. */
	async #checkKernel() {
		const again = join(this.folder, 'kernel-0');
		const problem = await this.kernels.build(again);
		if (problem || (await sha256File(again)) !== (await sha256File(this.plain)))
			throw new Error(
				`after the last mutant the kernel is not what it was before the first: ${problem ?? 'it differs'}`,
			);
		for (const name of ['kernel-0', 'kernel-1', 'kernel-none']) rmSync(join(this.folder, name), { force: true });
	}
}

/** The folder of the cache's `builds` that the mutants of a profile are built in. */
export const buildName = (kernel, arch, profile) => namedFor(kernel, 'mutants', arch, profile);
