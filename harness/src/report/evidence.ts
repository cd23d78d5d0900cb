// SPDX-License-Identifier: MIT
import type { CaseResult } from '../results/events.js';

/** Characters of one result's evidence that a report shows; the whole is in events.jsonl and on the console. */
const EVIDENCE_LIMIT = 16 * 1024;
const LINE_LIMIT = 1000;

/** Cut where it is longer, with how much was left out. */
export function shortened(text: string, limit = LINE_LIMIT): string {
	return text.length <= limit ? text : `${text.slice(0, limit)} … (${text.length - limit} more characters)`;
}

/** `fail, then pass`: what the attempts said, where they were several; undefined where there was one. */
export function attemptsInWords(result: CaseResult): string | undefined {
	if (!result.earlier || result.earlier.length === 0) return undefined;
	const said = [...result.earlier.map(({ verdict }) => verdict), result.verdict].join(', then ');
	return result.flaky ? `flaky: ${said}` : said;
}

/** Where a result comes from, and how to see it again: a few lines. */
export function whereabouts(result: CaseResult): readonly string[] {
	const lines: string[] = [];
	if (result.release) lines.push(`release: ${result.release}`);
	if (result.catalogue) lines.push(`catalogue: ${result.catalogue}${result.class ? ` (${result.class})` : ''}`);
	if (result.console) lines.push(`console: ${result.console}`);
	if (result.rerun) lines.push(`again: ${result.rerun}`);
	return lines;
}

/** All that explains a result, for people: earlier attempts, diagnostics, the kernel's reports. Bounded. */
export function evidence(result: CaseResult): string {
	const lines: string[] = [];
	const attempts = attemptsInWords(result);
	if (attempts !== undefined) lines.push(attempts);
	for (const [i, { verdict, reason }] of (result.earlier ?? []).entries()) {
		lines.push(`attempt ${i + 1}: ${verdict}${reason === '' ? '' : `: ${shortened(reason)}`}`);
	}
	for (const [key, value] of result.diagnostics ?? []) lines.push(`${key}: ${shortened(value)}`);
	for (const { report, title } of result.splats ?? []) lines.push('', report || title);
	return shortened(lines.join('\n'), EVIDENCE_LIMIT);
}
