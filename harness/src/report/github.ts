// SPDX-License-Identifier: MIT
import { formatDuration } from '../core/clock.js';
import { printable } from '../core/printable.js';
import type { CaseResult, RunEvent } from '../results/events.js';
import { countVerdicts, isFailing } from '../results/totals.js';
import { VERDICTS, type Verdict } from '../verdict/verdict.js';
import { attemptsInWords, evidence, shortened, whereabouts } from './evidence.js';
import { markdownBlock, markdownCode, markdownTable } from './markdown.js';
import { withText } from './printable-event.js';
import type { Reporter, Sink } from './reporter.js';
import { groupName } from './suite-group.js';
import { xmlText } from './xml.js';

/** GitHub shows so many annotations of each level a step; the last one tells how many there are beside. */
const ANNOTATIONS = 10;
/** Results that the summary tells of one by one. */
const DETAILS = 200;
/** Suites in its table; of those beyond, only the ones that failed, up to as many again. */
const ROWS = 200;

/** Where the job's summary goes, and how much of it fits: GitHub refuses one of more than 1 MiB whole. */
export interface SummarySink {
	readonly maxBytes: number;
	write(text: string): void;
}

type Level = 'error' | 'warning';

/**
 * Annotations as GitHub's workflow commands, an error for each failure and a warning for what could not be judged or does not gate, as
 * they come; at the end a summary of the job in Markdown. What guests say can neither start a command nor mark up.
 */
export class GithubReporter implements Reporter {
	private readonly annotated: Record<Level, number> = { error: 0, warning: 0 };
	/** The annotation that is shown only if nothing follows it. */
	private readonly last: Partial<Record<Level, string>> = {};
	private readonly suites = new Map<string, Record<Verdict, number>>();
	private readonly totals = noVerdicts();
	private readonly details: CaseResult[] = [];
	private unlisted = 0;
	private flaky = 0;

	constructor(
		private readonly write: Sink,
		private readonly summary: SummarySink | undefined,
	) {}

	event(raw: RunEvent): void {
		const event = withText(raw, printable);
		if (event.type === 'case') this.result(event.result);
		if (event.type !== 'run-end') return;
		for (const level of ['error', 'warning'] as const) {
			const more = this.annotated[level] - ANNOTATIONS;
			const what = level === 'error' ? 'failures' : 'warnings';
			if (more > 0) this.write(command(level, 'Fencepost', `${more + 1} more ${what}: see the job's summary`));
			else if (this.last[level] !== undefined) this.write(this.last[level]);
		}
		if (this.summary) this.summary.write(this.markdown(this.summary.maxBytes, event.durationMs));
	}

	private result(result: CaseResult): void {
		const name = groupName(result);
		const counts = this.suites.get(name) ?? noVerdicts();
		this.suites.set(name, counts);
		counts[result.verdict]++;
		this.totals[result.verdict]++;
		if (result.flaky) this.flaky++;
		const level = isFailing(result.verdict)
			? 'error'
			: result.verdict === 'miss' || result.warning
				? 'warning'
				: undefined;
		if (level === undefined && !result.flaky) return;
		if (this.details.length < DETAILS) this.details.push(result);
		else this.unlisted++;
		if (level !== undefined) this.annotate(level, result);
	}

	private annotate(level: Level, result: CaseResult): void {
		const attempts = attemptsInWords(result);
		const title = `${result.warning ? 'warning' : result.verdict}: ${result.case} (${groupName(result)})`;
		const lines = [result.reason || result.verdict, ...(attempts ? [attempts] : []), ...whereabouts(result)];
		const text = command(level, shortened(title, 200), lines.map((line) => shortened(line)).join('\n'));
		if (++this.annotated[level] < ANNOTATIONS) this.write(text);
		else if (this.annotated[level] === ANNOTATIONS) this.last[level] = text;
	}

	private markdown(maxBytes: number, durationMs: number): string {
		const used = VERDICTS.filter((verdict) => this.totals[verdict] > 0);
		const said = used.map((verdict) => `${this.totals[verdict]} ${verdict}`);
		const flaky = this.flaky > 0 ? `, ${this.flaky} of them flaky` : '';
		const parts = [
			`## Fencepost: ${said.join(', ') || 'nothing was judged'}${flaky}\n\nin ${formatDuration(durationMs)}\n`,
		];
		parts.push(this.table());
		parts.push(...this.details.map(detail));
		if (this.unlisted > 0) parts.push(`… and ${this.unlisted} more: results.json has them all.\n`);
		return fitting(parts, maxBytes);
	}

	private table(): string {
		const used = VERDICTS.filter((verdict) => this.totals[verdict] > 0);
		const bad = (counts: Record<Verdict, number>) => used.some((verdict) => isFailing(verdict) && counts[verdict] > 0);
		const shown = [...this.suites].filter(([, counts], i) => i < ROWS || bad(counts)).slice(0, 2 * ROWS);
		if (shown.length === 0) return '';
		const rows = shown.map(([name, counts]) => [
			markdownCode(shortened(name, 200)),
			...used.map((verdict) => String(counts[verdict] || '·')),
		]);
		const more = this.suites.size - rows.length;
		return `${markdownTable(['', ...used], rows)}${more > 0 ? `\n… and ${more} more suites.\n` : ''}`;
	}
}

function noVerdicts(): Record<Verdict, number> {
	return { ...countVerdicts([]) };
}

/** A workflow command, escaped as the runner reads it back (actions/runner: ActionCommand). */
function command(level: Level, title: string, message: string): string {
	return `::${level} title=${commandProperty(title)}::${commandData(message)}\n`;
}

function commandData(text: string): string {
	return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function commandProperty(text: string): string {
	return commandData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

function detail(result: CaseResult): string {
	const attempts = attemptsInWords(result);
	const heading = `${result.verdict} ${result.case}${attempts ? ` (${attempts})` : ''}, ${groupName(result)}`;
	const body = [result.reason, ...whereabouts(result), '', evidence(result)].join('\n').trim();
	return `<details><summary>${xmlText(shortened(heading, 300)).replace(/\s+/g, ' ')}</summary>\n\n${markdownBlock(body)}\n</details>\n`;
}

/** As many parts as fit, whole. */
function fitting(parts: readonly string[], maxBytes: number): string {
	const note = '\n… the rest did not fit into the summary: results.json has it all.\n';
	let text = '';
	let room = maxBytes - Buffer.byteLength(note) - 1;
	for (const part of parts) {
		const block = `${part}\n`;
		room -= Buffer.byteLength(block);
		if (room < 0) return maxBytes > Buffer.byteLength(note) ? `${text}${note}` : '';
		text += block;
	}
	return text;
}
