// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { ARCHES, type Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { matchesGlob } from '../core/glob.js';
import { inRange, parseRelease, type ReleaseRange } from '../core/release.js';
import { parseYaml } from '../core/yaml-source.js';
import type { Verdict } from './verdict.js';

/** Verdicts that can be expected; the others say that nothing is wrong, or that nobody could tell. */
export const EXPECTABLE = ['fail', 'timeout', 'crash'] as const;

/** A known failure or waiver. It must say why, and where that can be read. */
export interface Expectation {
	/** Glob over case ids: `*` stands for any characters, `?` for one. */
	readonly case: string;
	/** Glob over subjects. */
	readonly subject: string;
	/** Kernels it holds for; empty for all. */
	readonly kernel: ReleaseRange;
	readonly arch: Arch | undefined;
	readonly verdict: (typeof EXPECTABLE)[number];
	/** Words of the failure's own: one that is told without them is another failure. Undefined for any. */
	readonly says: string | undefined;
	/** A race that is not lost every time: a pass is a pass, and no xpass. */
	readonly intermittent: boolean;
	readonly reason: string;
	readonly link: string;
	/** `file:line:column` where it is written. */
	readonly where: string;
}

/** What of a result an expectation looks at. */
export interface ExpectableResult {
	readonly case: string;
	readonly subject: string;
	readonly release: string;
	readonly arch: Arch;
	readonly verdict: Verdict;
	readonly reason: string;
}

const RANGES = 'a range such as "<=6.12", ">=6.1 <=6.12" or "6.12", or { since: RELEASE, until: RELEASE }';
const release = z.string().regex(/^\d{1,4}\.\d{1,4}(\.\d{1,4})?$/, 'a kernel release such as 6.12 or 6.12.107');
const text = z.string().trim().min(1, 'some text');
const SCHEMA = z.strictObject({
	case: text,
	subject: text.default('*'),
	kernel: z
		.union([z.string(), z.strictObject({ since: release.optional(), until: release.optional() })], {
			error: `expected ${RANGES}`,
		})
		.optional(),
	arch: z.enum(ARCHES).optional(),
	verdict: z.enum(EXPECTABLE).default('fail'),
	says: text.optional(),
	intermittent: z.boolean().default(false),
	reason: text,
	link: text,
});

/** `<=6.12`, `>=6.1`, `>=6.1 <=6.12`, `6.12` (that series alone); undefined when it is none of these. */
export function parseReleaseRange(written: string): ReleaseRange | undefined {
	const range: { since?: string; until?: string } = {};
	for (const word of written.trim().split(/[\s,]+/)) {
		const match = /^(<=|>=|=)?(\d{1,4}\.\d{1,4}(?:\.\d{1,4})?)$/.exec(word);
		if (!match?.[2]) return undefined;
		if (match[1] !== '<=') {
			if (range.since !== undefined) return undefined;
			range.since = match[2];
		}
		if (match[1] !== '>=') {
			if (range.until !== undefined) return undefined;
			range.until = match[2];
		}
	}
	return range;
}

/**
 * Reads a list of expectations. @param file names the text in messages.
 * @throws FencepostError (usage) with file:line:column, what was found and what is accepted.
 */
export function parseExpectations(yaml: string, file: string): readonly Expectation[] {
	const { value, locate } = parseYaml(yaml, file, z.array(SCHEMA).nullable());
	return (value ?? []).map(({ kernel: written, ...rest }, index) => {
		const kernel = typeof written === 'string' ? parseReleaseRange(written) : (written ?? {});
		if (!kernel) {
			const where = locate([index, 'kernel']);
			throw usageError('EXPECTATION_RANGE', `${where}: kernel: "${String(written)}" is no range of releases`, RANGES);
		}
		return { ...rest, arch: rest.arch, says: rest.says, kernel, where: locate([index]) };
	});
}

/** Applies expectations to results one by one, and remembers which of them were met by any. */
export class ExpectationBook {
	readonly #entries: {
		readonly expectation: Expectation;
		/** A result of a kernel and architecture it speaks of was seen. */
		inScope: boolean;
		matched: boolean;
	}[];

	constructor(expectations: readonly Expectation[]) {
		this.#entries = expectations.map((expectation) => ({
			expectation,
			inScope: false,
			matched: false,
		}));
	}

	/**
	 * The result as expectations have it: the failure that was expected is an xfail, a pass where one was expected an
	 * xpass; both say why and where to read on. Anything else stays: another failure than the expected one is news.
	 */
	apply<R extends ExpectableResult>(result: R): R {
		const release = parseRelease(result.release);
		let pass: Expectation | undefined;
		for (const entry of this.#entries) {
			const { expectation } = entry;
			const bounded = expectation.kernel.since !== undefined || expectation.kernel.until !== undefined;
			if (bounded && !(release && inRange(release, expectation.kernel))) continue;
			if (expectation.arch !== undefined && expectation.arch !== result.arch) continue;
			entry.inScope = true;
			if (!matchesGlob(result.case, expectation.case) || !matchesGlob(result.subject, expectation.subject)) continue;
			entry.matched = true;
			const known = `${expectation.reason} (${expectation.link})`;
			if (result.verdict === expectation.verdict && result.reason.includes(expectation.says ?? '')) {
				const reason = result.reason === '' ? known : `${known}: ${result.reason}`;
				return { ...result, verdict: 'xfail', reason };
			}
			if (!expectation.intermittent) pass ??= expectation;
		}
		if (result.verdict !== 'pass' || !pass) return result;
		const reason = `expected to ${pass.verdict} by ${pass.where}: ${pass.reason} (${pass.link})`;
		return { ...result, verdict: 'xpass', reason };
	}

	/** Expectations for a kernel and architecture that were run, which no case and subject of the run fits. */
	get unmatched(): readonly Expectation[] {
		return this.#entries.filter(({ inScope, matched }) => inScope && !matched).map(({ expectation }) => expectation);
	}
}

/** Applies expectations to a whole list; see ExpectationBook. */
export function applyExpectations<R extends ExpectableResult>(
	results: readonly R[],
	expectations: readonly Expectation[],
): { readonly results: readonly R[]; readonly unmatched: readonly Expectation[] } {
	const book = new ExpectationBook(expectations);
	return { results: results.map((result) => book.apply(result)), unmatched: book.unmatched };
}
