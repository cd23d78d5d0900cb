// SPDX-License-Identifier: MIT
// What was seen to kill a mutant, kept for as long as nothing that it was seen with changes: the patch, the kernel
// without it, the machine, the agent and the suites of the cases that it names. So a run that was interrupted goes on
// where it was, and one after a change runs what the change touches.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { contentId } from '../harness/dist/src/core/hash.js';

export class MutantMemory {
	/**
	 * @param {string} folder
	 * @param {{ kernel: string, machines: ReadonlyMap<string, string>, programs: ReadonlyMap<string, string>, suiteOf: ReadonlyMap<string, string> }} facts
	 *     `kernel`, `machines` and `programs` by ids of what they hold; `suiteOf` gives the suite of a case.
	 */
	constructor(folder, facts) {
		this.folder = folder;
		this.facts = facts;
	}

	/** @returns what is of use of what `keep` was given for this mutant, with the same surroundings; undefined when there is none. */
	recall(mutant) {
		try {
			const { key, ...ran } = JSON.parse(readFileSync(this.#file(mutant), 'utf8'));
			return key === this.#key(mutant) ? ran : undefined;
		} catch {
			return undefined;
		}
	}

	keep(mutant, { results, seconds, date }) {
		const file = this.#file(mutant);
		const verdicts = results.map(({ case: id, subject, verdict, reason }) => ({
			...{ case: id, subject, verdict },
			...(verdict === 'skip' ? { reason } : {}),
		}));
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(`${file}.new`, JSON.stringify({ key: this.#key(mutant), date, seconds, results: verdicts }));
		renameSync(`${file}.new`, file);
	}

	#file(mutant) {
		return join(this.folder, `${mutant.name}.json`);
	}

	#key({ text, expected, machine }) {
		const { kernel, machines, programs, suiteOf } = this.facts;
		const suites = [...new Set(expected.map((id) => suiteOf.get(id)))].sort();
		const ids = ['agent', ...suites].map((name) => `${name} ${programs.get(name)}`);
		return contentId({ text, kernel, machine: machines.get(machine), programs: ids.join('\n') });
	}
}
