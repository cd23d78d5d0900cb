// SPDX-License-Identifier: MIT
import type { CaseResult } from '../results/events.js';
import type { JudgedCase } from '../verdict/reconcile.js';
import type { ListedCase } from './assignment.js';

/** A case as an attempt judged it: what the run's own words are added to. */
export type Judged = Pick<
	CaseResult,
	'case' | 'verdict' | 'reason' | 'durationMs' | 'diagnostics' | 'splats' | 'catalogue' | 'class' | 'ownWord'
>;

/**
 * A reconciled case as a result. @param promises needs that the machine promises and this kernel can have
 * @param stderr what the program said beside its results: shown with cases that no line of the stream stands for
 */
export function judgedResult(
	judged: JudgedCase,
	cases: readonly ListedCase[] | undefined,
	promises: ReadonlySet<string>,
	stderr: string,
): Judged {
	const { name, verdict, reason, diagnostics, splats, synthetic, ownWord } = promised(judged, promises);
	const listed = listedCase(name, cases);
	const durationUs = Number(diagnostics.find(([key]) => key === 'duration_us')?.[1] ?? 0);
	const said = synthetic && stderr.trim() !== '' ? ([['stderr', stderr.trim()]] as const) : [];
	return {
		case: name,
		verdict,
		reason: reason || failureReason(judged),
		durationMs: Number.isFinite(durationUs) ? durationUs / 1000 : 0,
		diagnostics: [...diagnostics.filter(([key]) => key !== 'duration_us'), ...said],
		splats,
		catalogue: listed?.catalogue,
		class: listed?.class,
		ownWord,
	};
}

export function listedCase(name: string | undefined, cases: readonly ListedCase[] | undefined): ListedCase | undefined {
	return cases?.find((one) => one.case === name);
}

/** A need that the declared machine promises and the guest lacks could not be judged: a miss, not a skip. */
function promised(judged: JudgedCase, promises: ReadonlySet<string>): JudgedCase {
	const need = judged.verdict === 'skip' ? /^needs (\S+?):/.exec(judged.reason)?.[1] : undefined;
	if (need === undefined || !promises.has(need)) return judged;
	return { ...judged, verdict: 'miss', reason: `the machine promises ${need}: ${judged.reason}` };
}

/** `expected -1 EINVAL, found 0`: a failure's reason in one line, from what the suite printed. */
function failureReason({ verdict, diagnostics }: JudgedCase): string {
	if (verdict !== 'fail') return '';
	const value = (key: string) => diagnostics.find(([name]) => name === key)?.[1];
	const [expected, found] = [value('expected'), value('found')];
	return expected === undefined && found === undefined
		? 'not ok'
		: `expected ${expected ?? 'something else'}, found ${found ?? 'nothing'}`;
}
