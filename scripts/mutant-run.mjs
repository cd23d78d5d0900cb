// SPDX-License-Identifier: MIT
// Runs cases on a kernel of the mutants, and judges what came of it.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'zx';
import { EVERY_CLASS_GATES, KILLED } from './mutant-verdicts.mjs';

export class MutantRuns {
	/** @param facts `cache`, `root` of the project, `arch`, `folder` for what the runs leave, `device` the device module. */
	constructor(facts) {
		this.facts = facts;
	}

	/**
	 * @param {string} name of what the run leaves.
	 * @param {{ machine: string, cases: readonly string[], subject: string | undefined, device?: string }} what all cases when
	 *     there are none; another device module than the usual one.
	 * @returns {Promise<{ results: object[], seconds: number, problem?: string }>}
	 */
	async run(name, image, { machine, cases, subject, device = this.facts.device }) {
		const { arch, folder, root } = this.facts;
		const out = join(folder, name);
		rmSync(out, { recursive: true, force: true });
		const options = [
			// What fails is what is looked for: no need to see it twice.
			'--no-second-look',
			...EVERY_CLASS_GATES,
			...(device === undefined ? [] : ['--device-module', device]),
			...['--kernel', `file:${image}`, '--arch', arch, '--machine', machine, '--out', out],
			...['--reporter', `terminal=${join(folder, `${name}.txt`)}`],
			...cases.flatMap((id) => ['--case', id]),
			...(subject === undefined ? [] : ['--subject', subject]),
		];
		const fencepost = [process.execPath, join(root, 'harness/dist/src/cli/main.js')];
		const started = performance.now();
		// The status of the guest is for people who watch; elsewhere only what went wrong is of interest.
		const stdio = ['ignore', 'pipe', process.stderr.isTTY ? 'inherit' : 'pipe'];
		const { exitCode, stderr } = await $({ stdio })`${fencepost} run ${options}`.nothrow().quiet();
		const seconds = (performance.now() - started) / 1000;
		await this.#forgetKernel(out);
		try {
			return { results: JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).results, seconds };
		} catch {
			return { results: [], seconds, problem: `fencepost run ended with ${exitCode}: ${stderr.trim().slice(-600)}` };
		}
	}

	/** A mutant's kernel and its saved guests are of no use to anyone after its run. */
	async #forgetKernel(out) {
		const { cache } = this.facts;
		let text;
		try {
			text = readFileSync(join(out, 'events.jsonl'), 'utf8');
		} catch {
			return;
		}
		for (const line of text.split('\n')) {
			const event = line.includes('"kernel-ready"') ? JSON.parse(line) : undefined;
			if (event?.type !== 'kernel-ready') continue;
			for (const { id, info } of await cache.list('templates'))
				if (info?.identity?.startsWith(`${event.id} `)) await cache.remove('templates', id);
			await cache.remove('kernels', event.id);
		}
	}
}

/** Cases of the suite constraints answer: on a kernel that breaks what one asks for, its yes becomes a no. */
const answersNo = ({ case: id, verdict, reason }) =>
	id.startsWith('constraints.') && verdict === 'skip' && /^no\b/.test(reason ?? '');

/** What a case's passing without a mutant is known by. */
export const soundness = (machine, id, subject) => `${machine} ${id} ${subject}`;

/**
 * What came of a mutant: killed when each case that it names has failed on every subject that it ran against.
 * @param {ReadonlySet<string>} sound `soundness` of what passes without a mutant.
 */
export function judgeMutant(mutant, { results, seconds, problem, date }, sound) {
	const judged = results.map((result) => ({ ...result, killed: KILLED.has(result.verdict) || answersNo(result) }));
	// What stands for the cases that could not run: the guest does not boot.
	const miss = results.find(({ case: id, verdict }) => verdict === 'miss' && !mutant.expected.includes(id));
	const why = miss ? ` (${miss.case}: ${miss.reason})` : '';
	const survivors = mutant.expected.flatMap((id) => {
		const own = judged.filter((result) => result.case === id && (result.verdict !== 'skip' || result.killed));
		if (own.length === 0) return [`${id} did not run${why}`];
		const unsound = own.filter((result) => !sound.has(soundness(mutant.machine, id, result.subject)));
		if (unsound.length > 0) return [`${id} does not pass without the mutant either`];
		return own.filter((result) => !result.killed).map((result) => `${id} ${result.subject}: ${result.verdict}`);
	});
	const wrong = problem ?? (survivors.length > 0 ? survivors.join(', ') : undefined);
	return { mutant, seconds, date, results: judged, killed: wrong === undefined, problem: wrong };
}
