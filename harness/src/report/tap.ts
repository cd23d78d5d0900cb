// SPDX-License-Identifier: MIT
import type { CaseResult, RunEvent, SuiteGroup } from '../results/events.js';
import type { Verdict } from '../verdict/verdict.js';
import { printableEvent } from './printable-event.js';
import type { Reporter, Sink } from './reporter.js';
import { groupKey, groupName } from './suite-group.js';

/** How each verdict reads as a TAP 14 test point: whether `ok`, and its directive. */
const POINTS = {
	pass: { ok: true, directive: '' },
	skip: { ok: true, directive: 'SKIP' },
	xfail: { ok: false, directive: 'TODO' },
	xpass: { ok: false, directive: '' },
	miss: { ok: false, directive: '' },
	fail: { ok: false, directive: '' },
	timeout: { ok: false, directive: '' },
	crash: { ok: false, directive: '' },
} as const satisfies Record<Verdict, { ok: boolean; directive: string }>;

/**
 * TAP version 14 (testanything.org, TAP 14 specification): a subtest per kernel × arch × machine, in it one per
 * suite and subject, in it a test point a case. Subtests are written whole when their suite has ended, so guests
 * that run side by side never mix.
 */
export class TapReporter implements Reporter {
	private readonly suites = new Map<string, { group: SuiteGroup; results: CaseResult[] }>();
	private points = 0;
	private started = false;

	constructor(private readonly write: Sink) {}

	event(raw: RunEvent): void {
		const event = printableEvent(raw);
		switch (event.type) {
			case 'run-start':
				this.begin();
				break;
			case 'case': {
				const { result } = event;
				const key = groupKey(result);
				const suite = this.suites.get(key) ?? { group: result, results: [] };
				suite.results.push(result);
				this.suites.set(key, suite);
				break;
			}
			case 'suite-end':
				this.flush(groupKey(event.group));
				break;
			case 'note':
				this.begin();
				this.write(`# ${oneLine(event.text)}\n`);
				break;
			case 'run-end':
				this.begin();
				for (const key of [...this.suites.keys()]) this.flush(key);
				this.write(`1..${this.points}${this.points === 0 ? ' # SKIP nothing was run' : ''}\n`);
				break;
			default:
				break;
		}
	}

	private begin(): void {
		if (!this.started) this.write('TAP version 14\n');
		this.started = true;
	}

	private flush(key: string): void {
		const suite = this.suites.get(key);
		if (!suite) return;
		this.suites.delete(key);
		const name = groupName(suite.group);
		const lines = [`# Subtest: ${escapeName(name)}`];
		suite.results.forEach((result, i) => {
			lines.push(...pointLines(result, i + 1).map((line) => `    ${line}`));
		});
		lines.push(`    1..${suite.results.length}`);
		const ok = suite.results.every(({ verdict }) => POINTS[verdict].ok || POINTS[verdict].directive === 'TODO');
		lines.push(`${ok ? 'ok' : 'not ok'} ${++this.points} - ${escapeName(name)}`);
		this.write(`${lines.join('\n')}\n`);
	}
}

function pointLines(result: CaseResult, number: number): string[] {
	const { ok, directive } = POINTS[result.verdict];
	const suffix = directive ? ` # ${directive} ${escapeName(result.reason)}`.trimEnd() : '';
	const line = `${ok ? 'ok' : 'not ok'} ${number} - ${escapeName(result.case)}${suffix}`;
	if (ok) return [line];
	return [line, '  ---', ...yamlBlock(result), '  ...'];
}

/** The YAML diagnostic block of a failure. Every value is a JSON string or number, which YAML reads as it is. */
function yamlBlock(result: CaseResult): string[] {
	const before: [string, string | number][] = [
		['verdict', result.verdict],
		['reason', result.reason],
		...(result.catalogue ? ([['catalogue', result.catalogue]] as [string, string][]) : []),
		...(result.class ? ([['class', result.class]] as [string, string][]) : []),
	];
	const after: [string, string | number][] = [
		['release', result.release],
		['duration_ms', Math.round(result.durationMs)],
		...(result.console ? ([['console', result.console]] as [string, string][]) : []),
		...(result.rerun ? ([['rerun', result.rerun]] as [string, string][]) : []),
	];
	const said = mergeRepeated(result.diagnostics ?? []).map(([key, value]) => [yamlKey(key), value] as const);
	return [...before, ...said, ...after].map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
}

/** What the run itself says of a result; a program that uses such a key does not speak for the run. */
const OWN_KEYS: ReadonlySet<string> = new Set([
	...['verdict', 'reason', 'catalogue', 'class', 'release', 'duration_ms', 'console', 'rerun'],
]);

function yamlKey(key: string): string {
	const name = OWN_KEYS.has(key) ? `program_${key}` : key;
	return /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name);
}

function mergeRepeated(pairs: readonly (readonly [string, string])[]): [string, string][] {
	const merged = new Map<string, string>();
	for (const [key, value] of pairs) {
		const before = merged.get(key);
		merged.set(key, before === undefined ? value : `${before}\n${value}`);
	}
	return [...merged];
}

function oneLine(text: string): string {
	return text.replace(/\s*[\r\n]+\s*/g, '; ');
}

/** TAP 14: a literal `#` or `\` in a description is escaped; it is one line, whatever is in it. */
function escapeName(text: string): string {
	return oneLine(text).replaceAll('\\', '\\\\').replaceAll('#', '\\#');
}
