// SPDX-License-Identifier: MIT
// What CI systems read: JUnit XML, checked by a real XML reader, and GitHub's commands and summary.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { createReporters } from '../../src/cli/reporters.js';
import { printable } from '../../src/core/printable.js';
import { GithubReporter } from '../../src/report/github.js';
import { JunitReporter } from '../../src/report/junit.js';
import { PlainStatus } from '../../src/report/status.js';
import { xmlElement, xmlText } from '../../src/report/xml.js';
import type { CaseResult, RunEvent, SuiteGroup } from '../../src/results/events.js';
import { countVerdicts } from '../../src/results/totals.js';
import { VERDICTS, type Verdict } from '../../src/verdict/verdict.js';

const scratch = t.testdir();
const schema = join(import.meta.dirname, '../../../test/fixtures/report/junit.xsd');
const group: SuiteGroup = {
	kernel: 'source:6.12',
	release: '6.12.117',
	arch: 'arm64',
	machine: 'default',
	suite: 'alloc',
	subject: 'acme,frames',
};
const time = '2026-01-01T10:20:30.456Z';

const result = (name: string, verdict: Verdict, more: Partial<CaseResult> = {}): CaseResult => ({
	...group,
	case: name,
	verdict,
	durationMs: 1234.5,
	attempts: 1,
	reason: verdict === 'pass' ? '' : `why ${verdict}`,
	console: 'consoles/001.log',
	...more,
});

const start: RunEvent = { type: 'run-start', time, version: '0', argv: [], directory: '/r' };
const judged = (one: CaseResult): RunEvent => ({ type: 'case', time, result: one });
const suiteEnd: RunEvent = { type: 'suite-end', time, group };
const end = (results: readonly CaseResult[]): RunEvent => ({
	...{ type: 'run-end', time, exit: 1, totals: countVerdicts(results), durationMs: 61_000 },
});
const whole = (results: readonly CaseResult[]) => [start, ...results.map(judged), suiteEnd, end(results)];

/** The document after each part, as a file would hold it. */
function junit(events: readonly RunEvent[]): { readonly states: readonly string[]; readonly document: string } {
	let text = '';
	const states: string[] = [];
	const reporter = new JunitReporter((part, closing) => {
		text += part;
		states.push(text + closing);
	});
	for (const event of events) reporter.event(event);
	return { states, document: text };
}

/** Refuses what is not well-formed or not within the schema; where xmllint is not installed, Python's reader must do. */
function check(document: string): string {
	const file = join(scratch, 'junit.xml');
	writeFileSync(file, document);
	const lint = spawnSync('xmllint', ['--noout', '--huge', '--schema', schema, file], { encoding: 'utf8' });
	if (!lint.error) return lint.status === 0 ? '' : lint.stderr;
	const parse = 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])';
	const python = spawnSync('python3', ['-c', parse, file], { encoding: 'utf8' });
	return python.status === 0 ? '' : python.stderr;
}

/** A string value as a real reader sees it. */
function xpath(document: string, path: string): string | undefined {
	const { status, stdout } = spawnSync('xmllint', ['--huge', '--xpath', `string(${path})`, '-'], {
		input: document,
		encoding: 'utf8',
	});
	return status === 0 ? stdout.replace(/\n$/, '') : undefined;
}

t.test('each verdict as JUnit has it', async (t) => {
	const expected: Record<Verdict, string> = {
		pass: '',
		skip: '<skipped message="why skip"/>',
		xfail: '<skipped message="why xfail"/>',
		xpass: '<failure message="why xpass" type="xpass">',
		miss: '<error message="why miss" type="miss">',
		fail: '<failure message="why fail" type="fail">',
		timeout: '<failure message="why timeout" type="timeout">',
		crash: '<failure message="why crash" type="crash">',
	};
	const { document } = junit(whole(VERDICTS.map((verdict) => result(verdict, verdict))));
	t.equal(check(document), '');
	for (const [verdict, element] of Object.entries(expected)) {
		const line = document.split('\n').find((text) => text.includes(`name="${verdict}" classname`)) ?? '';
		t.ok(line.includes(`time="1.234">${element}`) || (element === '' && line.endsWith('time="1.234"/>')), line);
	}
	t.match(
		document,
		/<testsuite name="source:6.12 arm64 default: alloc acme,frames" tests="8" failures="4" errors="1" skipped="2" time="9.876" timestamp="2026-01-01T10:20:30">/,
	);
	t.match(document, /classname="source:6_12.arm64.default.alloc.acme,frames"/);
	t.match(document, /<property name="release" value="6.12.117"\/>/);
});

t.test('text that XML cannot hold, and text that looks like XML', async (t) => {
	const hostile = 'a\0b\x1b[31m ]]> <x attr="1"> & \r\n\t \ud800 \udfff \ufffe é 🐧 \x85 %';
	const one = result(hostile, 'fail', {
		...{ reason: hostile, subject: hostile, kernel: hostile, rerun: hostile },
		diagnostics: [['log', hostile]],
		splats: [{ kind: 'oops', title: hostile, function: undefined, line: 1, severity: 'severe', report: hostile }],
	});
	const { document } = junit([start, judged(one), end([one])]);
	t.equal(check(document), '');
	const seen = 'a\ufffdb\ufffd[31m ]]> <x attr="1"> & \r\n\t \ufffd \ufffd \ufffd é 🐧 \x85 %';
	const name = xpath(document, '//testcase/@name');
	if (name !== undefined) {
		t.equal(name, seen, 'a reader sees an attribute as it was written');
		t.ok(xpath(document, '//system-out')?.includes(seen), 'and a text');
	}
	t.equal(xmlElement('a', { b: 'c"' }), '<a b="c&quot;"/>');
	t.equal(xmlText('\ud83d\udc27\ud83d'), '🐧\ufffd');
});

t.test('flaky results keep both verdicts', async (t) => {
	const earlier = [{ verdict: 'fail', reason: 'the first try' }] as const;
	const rows: readonly [CaseResult, RegExp][] = [
		[
			result('stands', 'fail', { flaky: true, earlier: [...earlier, { verdict: 'pass', reason: '' }] }),
			/why fail \(flaky: fail, then pass, then fail\)" type="fail">.*<rerunFailure message="the first try" type="fail"\/><system-out>flaky/s,
		],
		[
			result('passes', 'pass', { flaky: true, earlier }),
			/<flakyFailure message="the first try" type="fail"\/><system-out>flaky: fail, then pass/,
		],
		[result('skips', 'skip', { flaky: true, earlier }), /<flakyFailure [^>]*\/><skipped message="why skip \(flaky/],
		[
			result('missed', 'miss', { earlier: [{ verdict: 'timeout', reason: '' }] }),
			/<error .*<rerunError message="timeout" type="timeout"\/>/s,
		],
		[
			result('retried', 'pass', { earlier: [{ verdict: 'miss', reason: 'QEMU was gone' }] }),
			/<system-out>miss, then pass\nattempt 1: miss: QEMU was gone<\/system-out>/,
		],
	];
	for (const [one, pattern] of rows) {
		const { document } = junit(whole([one]));
		t.equal(check(document), '', one.case);
		t.match(document, pattern, one.case);
	}
});

t.test('a document is whole at any moment, and a suite of any size is bounded', async (t) => {
	const other = { ...group, suite: 'mmap' };
	const cases: CaseResult[] = [result('a', 'pass'), result('b', 'fail'), { ...result('c', 'pass'), ...other }];
	const events: RunEvent[] = [
		start,
		...cases.map(judged),
		suiteEnd,
		{ ...suiteEnd, group: other },
		judged(result('d', 'pass')),
	];
	const { states } = junit([...events, end(cases)]);
	t.equal(states.length, 5, 'the head, three suites, the end');
	for (const state of states) t.equal(check(state), '');
	t.equal(states.at(-1)?.match(/<testcase/g)?.length, 4);
	t.equal(check(junit([start, end([])]).document), '', 'nothing was run');

	const big = 'x'.repeat(50_000);
	const many = Array.from({ length: 4000 }, (_, i) =>
		result(`case-${i}`, 'fail', { diagnostics: Array.from({ length: 64 }, () => ['log', big] as const) }),
	);
	const { document } = junit(whole(many));
	t.ok(document.length < 20 * 1024 * 1024, `${document.length} characters`);
	t.equal(document.match(/<testcase/g)?.length, 4000, 'no case is lost');
	t.equal(check(document), '');
});

t.test('any text, any verdict', async (t) => {
	const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ maxLength: 30 }));
	const any = fc.record({ name: text, verdict: fc.constantFrom(...VERDICTS), reason: text, value: text });
	const all = fc
		.sample(any, 400)
		.map(({ name, verdict, reason, value }) => result(name, verdict, { reason, diagnostics: [[value, value]] }));
	t.equal(check(junit(whole(all)).document), '');
});

function github(results: readonly CaseResult[], maxBytes = 1024 * 1024) {
	let [stdout, summary] = ['', ''];
	const write = (text: string) => {
		summary += text;
	};
	const reporter = new GithubReporter(
		(text) => {
			stdout += text;
		},
		{ maxBytes, write },
	);
	for (const event of whole(results)) reporter.event(event);
	return { commands: stdout.split('\n').filter(Boolean), summary };
}

/** What the runner makes of a command: its level, title and message (actions/runner: ActionCommand.cs). */
function runner(line: string): { level: string; title: string; message: string } {
	const found = /^::(\w+) title=([^:]*)::(.*)$/.exec(line);
	if (!found) throw new Error(`no command: ${line}`);
	const data = (text = '') => text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
	const property = (text = '') => data(text.replaceAll('%3A', ':').replaceAll('%2C', ','));
	return { level: found[1] ?? '', title: property(found[2]), message: data(found[3]) };
}

t.test('annotations', async (t) => {
	const rerun = 'npx fencepost run --case b';
	const { commands } = github([
		result('a', 'pass'),
		result('b', 'fail', { reason: '100 %, or: none\r\n::error::forged\n::set-output x', rerun }),
		result('c', 'skip'),
		result('d', 'miss', { console: '' }),
		result('e', 'crash', { flaky: true, earlier: [{ verdict: 'pass', reason: '' }] }),
	]);
	const where = '(source:6.12 arm64 default: alloc acme,frames)';
	t.strictSame(commands.map(runner), [
		{
			level: 'error',
			title: `fail: b ${where}`,
			message:
				'100 %, or: none\n::error::forged\n::set-output x\nrelease: 6.12.117\nconsole: consoles/001.log\n' +
				`again: ${rerun}`,
		},
		{ level: 'warning', title: `miss: d ${where}`, message: 'why miss\nrelease: 6.12.117' },
		{
			level: 'error',
			title: `crash: e ${where}`,
			message: 'why crash\nflaky: pass, then crash\nrelease: 6.12.117\nconsole: consoles/001.log',
		},
	]);
	for (const [failures, last] of [
		[9, 'fail: case-8 '],
		[10, 'fail: case-9 '],
		[11, 'Fencepost'],
		[5000, 'Fencepost'],
	] as const) {
		const lines = github(Array.from({ length: failures }, (_, i) => result(`case-${i}`, 'fail'))).commands;
		t.equal(lines.length, Math.min(failures, 10), `${failures} failures`);
		t.ok(runner(lines.at(-1) ?? '').title.startsWith(last), String(lines.at(-1)));
	}
	const { message } = runner(github(Array.from({ length: 12 }, () => result('x', 'fail'))).commands.at(-1) ?? '');
	t.match(message, /^3 more failures/);
	fc.assert(
		fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, reason) => {
			const lines = github([result(name, 'fail', { reason: reason || 'x' })]).commands;
			return lines.length === 1 && runner(lines[0] ?? '').message.startsWith(printable(reason || 'x'));
		}),
	);
});

t.test('the summary', async (t) => {
	const hostile = '</summary><img src=x onerror=y> | `code` ```` \n# heading @somebody';
	const { summary } = github([
		result('a', 'pass'),
		result('b', 'fail', { reason: hostile, kernel: 'source:7.3|x`' }),
		result('c', 'pass', { flaky: true, earlier: [{ verdict: 'fail', reason: 'once' }] }),
	]);
	t.equal(
		summary,
		[
			'## Fencepost: 2 pass, 1 fail, 1 of them flaky\n\nin 1 min 1 s\n',
			'|  | pass | fail |',
			'| --- | --- | --- |',
			'| `source:6.12 arm64 default: alloc acme,frames` | 2 | · |',
			"| `source:7.3\\|x' arm64 default: alloc acme,frames` | · | 1 |\n",
			'<details><summary>fail b, source:7.3|x` arm64 default: alloc acme,frames</summary>\n',
			`\`\`\`\`\`text\n${hostile}\nrelease: 6.12.117\nconsole: consoles/001.log\n\`\`\`\`\`\n\n</details>\n`,
			'<details><summary>pass c (flaky: fail, then pass), source:6.12 arm64 default: alloc acme,frames</summary>\n',
			'```text\nrelease: 6.12.117\nconsole: consoles/001.log\n\nflaky: fail, then pass\nattempt 1: fail: once\n```\n',
			'</details>\n\n',
		].join('\n'),
	);
	const many = Array.from({ length: 3000 }, (_, i) =>
		result(`case-${i}`, 'fail', {
			suite: `suite-${i}`,
			reason: '🐧'.repeat(2000),
			diagnostics: Array.from({ length: 30 }, () => ['log', '🐧'.repeat(900)] as const),
		}),
	);
	for (const maxBytes of [1024 * 1024, 100_000, 200, 10, 0]) {
		const { summary: text } = github(many, maxBytes);
		t.ok(Buffer.byteLength(text) <= maxBytes, `${Buffer.byteLength(text)} of ${maxBytes}`);
		if (maxBytes >= 200) t.match(text, /the rest did not fit/);
	}
});

t.test('as --reporter has them', async (t) => {
	const status = new PlainStatus(() => {});
	const file = join(scratch, 'report.xml');
	const [reporter] = createReporters([`junit=${file}`], status);
	const one = result('a', 'fail');
	for (const event of [start, judged(one), suiteEnd]) reporter?.event(event);
	const cut = readFileSync(file, 'utf8');
	t.equal(check(cut), '', 'a run that is killed now leaves a whole document');
	reporter?.event(end([one]));
	t.equal(readFileSync(file, 'utf8'), cut, 'and the end adds nothing to it');

	const summary = join(scratch, 'summary.md');
	writeFileSync(summary, `${'x'.repeat(1024 * 1024 - 300)}\n`);
	const [quiet] = createReporters([`github=${summary}`], status);
	for (const event of whole([result('a', 'pass')])) quiet?.event(event);
	const text = readFileSync(summary, 'utf8');
	t.match(text, /x\n## Fencepost: 1 pass/, 'what earlier steps said stays');
	t.ok(Buffer.byteLength(text) <= 1024 * 1024);

	for (const [wrong, message, hint] of [
		['junut=x', /unknown reporter "junut"/, /did you mean junit\? accepted: tap, terminal, junit, github/],
		['junit=', /no file after =/, undefined],
	] as const) {
		t.throws(() => createReporters([wrong], status), { blame: 'usage', message, ...(hint ? { hint } : {}) });
	}
});
