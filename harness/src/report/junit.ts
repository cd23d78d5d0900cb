// SPDX-License-Identifier: MIT
import type { CaseResult, RunEvent, SuiteGroup } from '../results/events.js';
import { isFailing } from '../results/totals.js';
import type { Verdict } from '../verdict/verdict.js';
import { attemptsInWords, evidence, shortened, whereabouts } from './evidence.js';
import type { Reporter } from './reporter.js';
import { groupKey, groupName } from './suite-group.js';
import { xmlElement, xmlText } from './xml.js';

/**
 * Takes the next part of a document, and what closes the document if nothing follows: a file can so be whole at any
 * moment, each part written over the end of the one before.
 */
export type DocumentSink = (part: string, closing: string) => void;

/**
 * What each verdict is in JUnit's words. A failure is what counts against the kernel (exit code 1), a crash as well as
 * an assertion; an error is what could not be judged (exit code 3). So the two counts say what the exit code says.
 */
const OUTCOMES = {
	pass: undefined,
	skip: 'skipped',
	xfail: 'skipped',
	xpass: 'failure',
	miss: 'error',
	fail: 'failure',
	timeout: 'failure',
	crash: 'failure',
} as const satisfies Record<Verdict, 'skipped' | 'failure' | 'error' | undefined>;

/** Characters of a suite's cases that wait for its end; beyond them, cases are kept without their evidence. */
const SUITE_LIMIT = 16 * 1024 * 1024;
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="fencepost">\n';
const CLOSING = '</testsuites>\n';

interface OpenSuite {
	readonly group: SuiteGroup;
	readonly startTime: string;
	readonly cases: string[];
	characters: number;
	durationMs: number;
	readonly counts: Record<'skipped' | 'failure' | 'error', number>;
	release: string;
}

/**
 * JUnit XML as CI systems read it, within both Jenkins's junit-10.xsd and Surefire's testsuite: a testsuite per
 * kernel × arch × machine × suite × subject, written whole when it has ended, a testcase a case. Only the suites that
 * run are held in memory.
 */
export class JunitReporter implements Reporter {
	private readonly open = new Map<string, OpenSuite>();
	private started = false;

	constructor(private readonly write: DocumentSink) {}

	event(event: RunEvent): void {
		switch (event.type) {
			case 'run-start':
				this.begin();
				break;
			case 'case':
				this.add(event.result, event.time);
				break;
			case 'suite-end':
				this.flush(groupKey(event.group));
				break;
			case 'run-end':
				this.begin();
				for (const key of [...this.open.keys()]) this.flush(key);
				this.write(CLOSING, '');
				break;
			default:
				break;
		}
	}

	private begin(): void {
		if (!this.started) this.write(HEAD, CLOSING);
		this.started = true;
	}

	private add(result: CaseResult, time: string): void {
		const key = groupKey(result);
		const suite = this.open.get(key) ?? {
			group: result,
			startTime: time,
			cases: [],
			characters: 0,
			durationMs: 0,
			counts: { skipped: 0, failure: 0, error: 0 },
			release: '',
		};
		this.open.set(key, suite);
		const outcome = OUTCOMES[result.verdict];
		if (outcome) suite.counts[outcome]++;
		suite.durationMs += result.durationMs;
		suite.release ||= result.release;
		const whole = testcase(result, true);
		const text = suite.characters + whole.length > SUITE_LIMIT ? testcase(result, false) : whole;
		suite.characters += text.length;
		suite.cases.push(text);
	}

	private flush(key: string): void {
		const suite = this.open.get(key);
		if (!suite) return;
		this.open.delete(key);
		this.begin();
		this.write(testsuite(suite), CLOSING);
	}
}

function testsuite({ group, startTime, cases, durationMs, counts, release }: OpenSuite): string {
	const { kernel, arch, machine, suite, subject } = group;
	const facts = Object.entries({ kernel, release, arch, machine, suite, subject });
	const properties = facts.map(([name, value]) => xmlElement('property', { name, value })).join('');
	const attributes = {
		name: groupName(group),
		tests: String(cases.length),
		failures: String(counts.failure),
		errors: String(counts.error),
		skipped: String(counts.skipped),
		time: seconds(durationMs),
		// ISO 8601 without a zone, in UTC: what the stricter of the schemas accept.
		timestamp: startTime.slice(0, 19),
	};
	const content = [xmlElement('properties', {}, properties), ...cases].map((line) => `  ${line}\n`).join('');
	return `${xmlElement('testsuite', attributes, `\n${content}`)}\n`;
}

function testcase(result: CaseResult, explained: boolean): string {
	const parts: string[] = [];
	const outcome = OUTCOMES[result.verdict];
	const attempts = attemptsInWords(result);
	const message = shortened(result.reason || result.verdict);
	if (outcome) {
		const said = attempts === undefined ? message : `${message} (${attempts})`;
		if (outcome === 'skipped') parts.push(xmlElement('skipped', { message: said }));
		else {
			const body = [result.reason, ...whereabouts(result)].map((line) => shortened(line)).join('\n');
			parts.push(xmlElement(outcome, { message: said, type: result.verdict }, explained ? xmlText(body) : ''));
		}
	}
	const again = explained ? (result.earlier ?? []).filter(({ verdict }) => isFailing(verdict)) : [];
	// Surefire's words, and its order: a failure before a pass made it flaky, one before another failure was run again.
	const name = outcome === 'failure' ? 'rerunFailure' : outcome === 'error' ? 'rerunError' : 'flakyFailure';
	const earlier = again.map(({ verdict, reason }) =>
		xmlElement(name, { message: shortened(reason || verdict), type: verdict }),
	);
	if (name === 'flakyFailure') parts.unshift(...earlier);
	else parts.push(...earlier);
	const said = explained && (outcome === 'failure' || outcome === 'error' || attempts) ? evidence(result) : '';
	if (said !== '') parts.push(xmlElement('system-out', {}, xmlText(said)));
	const attributes = { name: result.case, classname: className(result), time: seconds(result.durationMs) };
	return xmlElement('testcase', attributes, parts.join(''));
}

/** Readers split it at its dots, into packages: kernel, architecture, machine, suite, subject. */
function className({ kernel, arch, machine, suite, subject }: SuiteGroup): string {
	const names = [kernel, arch, machine, suite, ...(subject === '' || subject === suite ? [] : [subject])];
	return names.map((name) => name.replaceAll('.', '_')).join('.');
}

function seconds(ms: number): string {
	return (Math.max(0, ms) / 1000).toFixed(3);
}
