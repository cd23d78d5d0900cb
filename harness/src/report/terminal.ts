// SPDX-License-Identifier: MIT
import { styleText } from 'node:util';
import { formatDuration } from '../core/clock.js';
import type { CaseResult, RunEvent } from '../results/events.js';
import { countVerdicts, isFailing } from '../results/totals.js';
import { VERDICTS, type Verdict } from '../verdict/verdict.js';
import type { Reporter } from './reporter.js';
import type { Status } from './status.js';

type Style = Parameters<typeof styleText>[0];

const STYLES: Record<Verdict, Style> = {
	pass: 'green',
	skip: 'dim',
	xfail: 'dim',
	xpass: 'yellow',
	miss: 'magenta',
	fail: 'red',
	timeout: 'red',
	crash: 'red',
};

const MAX_EVIDENCE_LINES = 12;

/** For people: failures as they happen above the live status, a table at the end. */
export class TerminalReporter implements Reporter {
	private readonly results: CaseResult[] = [];

	constructor(
		private readonly status: Status,
		private readonly write: (text: string) => void,
		private readonly color: boolean,
	) {}

	event(event: RunEvent): void {
		switch (event.type) {
			case 'kernel-ready':
				this.status.print(
					`${this.paint('bold', event.kernel)} ${event.arch}: ${event.release ?? 'release known after boot'}\n`,
				);
				for (const line of event.provenance) this.status.print(`  ${line}\n`);
				break;
			case 'case':
				this.results.push(event.result);
				if (isFailing(event.result.verdict) || event.result.verdict === 'miss')
					this.status.print(this.failure(event.result));
				this.status.footer(this.footer());
				break;
			case 'note':
				this.status.print(`${event.text}\n`);
				break;
			case 'run-end':
				this.status.stop();
				this.write(this.summary());
				this.write(`${this.totalsLine(event.durationMs)}\n`);
				break;
			default:
				break;
		}
	}

	private failure(result: CaseResult): string {
		const where = `${result.kernel} ${result.arch} ${result.machine}${result.subject ? ` ${result.subject}` : ''}`;
		const lines = [`${this.paint(STYLES[result.verdict], result.verdict)} ${result.case}  (${where})`];
		const shown = (result.diagnostics ?? []).filter(([key]) => key !== 'log');
		// A failure whose expected and found are shown needs no sentence that says them again.
		if (result.reason && !shown.some(([key]) => key === 'expected')) lines.push(...indent(result.reason));
		for (const [key, value] of shown) lines.push(`    ${key}: ${value}`);
		if (result.console) lines.push(`    console: ${result.console}`);
		if (result.rerun) lines.push(`    again:   ${result.rerun}`);
		return `${lines.join('\n')}\n`;
	}

	private footer(): string {
		const totals = countVerdicts(this.results);
		const bad = VERDICTS.filter((verdict) => (isFailing(verdict) || verdict === 'miss') && totals[verdict] > 0);
		const said = bad.map((verdict) => this.paint(STYLES[verdict], `${totals[verdict]} ${verdict}`));
		return `${this.results.length} cases judged${said.length > 0 ? `, ${said.join(', ')}` : ''}`;
	}

	/** A table a target: suites and subjects down, verdicts across. Guests that ran side by side stand one below the other. */
	private summary(): string {
		const targets = new Map<string, Map<string, CaseResult[]>>();
		for (const result of this.results) {
			const name = `${result.kernel} ${result.arch} ${result.machine}`;
			const suite =
				result.subject && result.subject !== result.suite ? `${result.suite} ${result.subject}` : result.suite;
			const suites = targets.get(name) ?? new Map<string, CaseResult[]>();
			suites.set(suite, [...(suites.get(suite) ?? []), result]);
			targets.set(name, suites);
		}
		const used = VERDICTS.filter((verdict) => this.results.some((result) => result.verdict === verdict));
		const width = Math.max(
			10,
			...[...targets.values()].flatMap((suites) => [...suites.keys()].map(({ length }) => length)),
		);
		const lines: string[] = [];
		for (const [name, suites] of targets) {
			const release = [...suites.values()].flat().find((result) => result.release !== '')?.release;
			lines.push('', `${this.paint('bold', name)}${release ? `  ${release}` : ''}`);
			lines.push(`  ${''.padEnd(width)}${used.map((verdict) => verdict.padStart(9)).join('')}`);
			for (const [suite, results] of suites) lines.push(`  ${suite.padEnd(width)}${this.cells(results, used)}`);
		}
		return lines.length === 0 ? '' : `${lines.join('\n')}\n\n`;
	}

	private cells(results: readonly CaseResult[], used: readonly Verdict[]): string {
		const totals = countVerdicts(results);
		return used
			.map((verdict) =>
				totals[verdict] === 0
					? this.paint('dim', '·'.padStart(9))
					: this.paint(STYLES[verdict], String(totals[verdict]).padStart(9)),
			)
			.join('');
	}

	private totalsLine(durationMs: number): string {
		const totals = countVerdicts(this.results);
		const said = VERDICTS.filter((verdict) => totals[verdict] > 0).map((verdict) =>
			this.paint(STYLES[verdict], `${totals[verdict]} ${verdict}`),
		);
		return `${said.join(', ') || 'nothing was judged'} in ${formatDuration(durationMs)}`;
	}

	private paint(style: Style, text: string): string {
		return this.color ? styleText(style, text) : text;
	}
}

function indent(text: string): string[] {
	const lines = text.split('\n');
	const shown = lines.slice(0, MAX_EVIDENCE_LINES).map((line) => `    ${line}`);
	return lines.length > MAX_EVIDENCE_LINES
		? [...shown, `    … ${lines.length - MAX_EVIDENCE_LINES} more lines`]
		: shown;
}
