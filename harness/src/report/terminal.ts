// SPDX-License-Identifier: MIT
import { styleText } from 'node:util';
import { formatDuration } from '../core/clock.js';
import type { CaseResult, RunEvent } from '../results/events.js';
import { isFailing } from '../results/totals.js';
import { VERDICTS, type Verdict } from '../verdict/verdict.js';
import { printableEvent } from './printable-event.js';
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

type Counts = Record<Verdict, number>;

/** What the summary shows of a kernel on a machine. */
interface TargetCounts {
	release: string;
	readonly suites: Map<string, Counts>;
}

const noCounts = (): Counts => Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Counts;

/** For people: failures as they happen above the live status, a table at the end. */
export class TerminalReporter implements Reporter {
	/** Counts, not results: a run may have any number of cases, and a line is shown for each. */
	private readonly totals = noCounts();
	private readonly targets = new Map<string, TargetCounts>();
	/** Of the xfails. */
	private warnings = 0;

	constructor(
		private readonly status: Status,
		private readonly write: (text: string) => void,
		private readonly color: boolean,
	) {}

	event(raw: RunEvent): void {
		const event = printableEvent(raw);
		switch (event.type) {
			case 'kernel-ready':
				this.status.print(
					`${this.paint('bold', event.kernel)} ${event.arch}: ${event.release ?? 'release known after boot'}\n`,
				);
				for (const line of event.provenance) this.status.print(`  ${line}\n`);
				break;
			case 'case':
				this.count(event.result);
				if (isFailing(event.result.verdict) || event.result.verdict === 'miss' || event.result.warning)
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
		const word = result.warning ? this.paint('yellow', 'warning') : this.paint(STYLES[result.verdict], result.verdict);
		const lines = [`${word} ${result.case}  (${where})`];
		const shown = (result.diagnostics ?? []).filter(([key]) => key !== 'log');
		// A failure whose expected and found are shown needs no sentence that says them again.
		if (result.reason && (result.warning || !shown.some(([key]) => key === 'expected')))
			lines.push(...indent(result.reason));
		for (const [key, value] of shown) lines.push(...indent(`${key}: ${value}`));
		if (result.console) lines.push(`    console: ${result.console}`);
		if (result.rerun) lines.push(`    again:   ${result.rerun}`);
		return `${lines.join('\n')}\n`;
	}

	private count({ kernel, arch, machine, suite, subject, release, verdict, warning }: CaseResult): void {
		this.totals[verdict]++;
		if (warning) this.warnings++;
		const target: TargetCounts = entry(this.targets, `${kernel} ${arch} ${machine}`, () => ({
			release: '',
			suites: new Map(),
		}));
		if (target.release === '') target.release = release;
		const name = subject && subject !== suite ? `${suite} ${subject}` : suite;
		entry(target.suites, name, noCounts)[verdict]++;
	}

	private footer(): string {
		const bad = VERDICTS.filter((verdict) => (isFailing(verdict) || verdict === 'miss') && this.totals[verdict] > 0);
		const said = bad.map((verdict) => this.paint(STYLES[verdict], `${this.totals[verdict]} ${verdict}`));
		const judged = VERDICTS.reduce((sum, verdict) => sum + this.totals[verdict], 0);
		return `${judged} cases judged${said.length > 0 ? `, ${said.join(', ')}` : ''}`;
	}

	/** A table a target: suites and subjects down, verdicts across. Guests that ran side by side stand one below the other. */
	private summary(): string {
		const used = VERDICTS.filter((verdict) => this.totals[verdict] > 0);
		const names = [...this.targets.values()].flatMap(({ suites }) => [...suites.keys()]);
		const width = names.reduce((most, { length }) => Math.max(most, length), 10);
		const lines: string[] = [];
		for (const [name, { release, suites }] of this.targets) {
			lines.push('', `${this.paint('bold', name)}${release ? `  ${release}` : ''}`);
			lines.push(`  ${''.padEnd(width)}${used.map((verdict) => verdict.padStart(9)).join('')}`);
			for (const [suite, counts] of suites) lines.push(`  ${suite.padEnd(width)}${this.cells(counts, used)}`);
		}
		return lines.length === 0 ? '' : `${lines.join('\n')}\n\n`;
	}

	private cells(counts: Counts, used: readonly Verdict[]): string {
		return used
			.map((verdict) =>
				counts[verdict] === 0
					? this.paint('dim', '·'.padStart(9))
					: this.paint(STYLES[verdict], String(counts[verdict]).padStart(9)),
			)
			.join('');
	}

	private totalsLine(durationMs: number): string {
		const said = VERDICTS.filter((verdict) => this.totals[verdict] > 0).map((verdict) =>
			this.paint(STYLES[verdict], `${this.totals[verdict]} ${verdict}`),
		);
		const warned =
			this.warnings === 0
				? ''
				: `; ${this.warnings} of the xfail ${this.warnings === 1 ? 'is a warning' : 'are warnings'}`;
		return `${said.join(', ') || 'nothing was judged'} in ${formatDuration(durationMs)}${warned}`;
	}

	private paint(style: Style, text: string): string {
		return this.color ? styleText(style, text) : text;
	}
}

/** The value of a key, made when there is none. */
function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
	const value = map.get(key) ?? make();
	map.set(key, value);
	return value;
}

function indent(text: string): string[] {
	const lines = text.split('\n');
	const shown = lines.slice(0, MAX_EVIDENCE_LINES).map((line) => `    ${line}`);
	return lines.length > MAX_EVIDENCE_LINES
		? [...shown, `    … ${lines.length - MAX_EVIDENCE_LINES} more lines`]
		: shown;
}
