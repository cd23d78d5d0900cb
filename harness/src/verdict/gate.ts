// SPDX-License-Identifier: MIT
import type { CaseClass } from '../core/case-class.js';
import type { Verdict } from './verdict.js';

/** What of a result a gate looks at, and changes. */
export interface GatedResult {
	readonly case: string;
	readonly verdict: Verdict;
	readonly reason: string;
	/** Undefined for programs of the user's own and for what is no case of a suite. */
	readonly class?: CaseClass | undefined;
	/** The case's own word, and no other witness's: no leak, no report, no process that was killed. */
	readonly ownWord?: boolean | undefined;
	readonly warning?: true | undefined;
}

/** Decides which classes of cases a run fails for. What others say about them becomes a warning. */
export class Gate {
	readonly #classes: ReadonlySet<CaseClass>;
	readonly #named: ReadonlySet<string>;

	/** @param classes that gate @param named cases that were asked for by name: these gate whatever their class */
	constructor(classes: readonly CaseClass[], named: readonly string[] = []) {
		this.#classes = new Set(classes);
		this.#named = new Set(named);
	}

	/**
	 * A failed assertion of a class that does not gate is an xfail and a warning. Anything worse than a failed assertion
	 * gates whatever the class: a kernel may differ from upstream, and may not crash, hang or leak.
	 */
	apply<R extends GatedResult>(result: R): R {
		const { verdict, ownWord, class: ofCase } = result;
		if (verdict !== 'fail' || !ownWord || ofCase === undefined) return result;
		if (this.#classes.has(ofCase) || this.#named.has(result.case)) return result;
		return { ...result, verdict: 'xfail', warning: true, reason: `${ofCase} does not gate: ${result.reason}` };
	}
}
