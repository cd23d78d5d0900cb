// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Parser } from 'tap-parser';
import { parse } from 'yaml';
import { formatDuration, sleep } from '../../src/core/clock.js';
import { GithubReporter } from '../../src/report/github.js';
import { JunitReporter } from '../../src/report/junit.js';
import { PlainStatus } from '../../src/report/status.js';
import { TapReporter } from '../../src/report/tap.js';
import { TerminalReporter } from '../../src/report/terminal.js';
import type { CaseResult, RunEvent } from '../../src/results/events.js';
import { EventLog } from '../../src/results/store.js';
import { countVerdicts, exitCode } from '../../src/results/totals.js';
import { VERDICTS, type Verdict } from '../../src/verdict/verdict.js';

const group = {
	kernel: 'source:6.12',
	release: '6.12.107',
	arch: 'arm64',
	machine: 'default',
	suite: 'alloc',
	subject: 'system',
} as const;

const result = (name: string, verdict: Verdict, more: Partial<CaseResult> = {}): CaseResult => ({
	...group,
	case: name,
	verdict,
	durationMs: 1.5,
	attempts: 1,
	reason: '',
	console: 'consoles/001.log',
	...more,
});

const results: CaseResult[] = [
	result('heap.alloc.basic', 'pass'),
	result('heap.alloc.len-zero', 'fail', {
		reason: 'expected -1 EINVAL, found 0',
		catalogue: 'ALLOC-05',
		diagnostics: [
			['at', 'suites/alloc/alloc.c:12'],
			['expected', '-1 EINVAL (22, Invalid argument)'],
			['found', '0'],
			['note', 'one: "quoted"'],
			['note', 'two'],
		],
		rerun: 'npx fencepost run --case heap.alloc.len-zero',
	}),
	result('heap.alloc.compat', 'skip', { reason: 'needs a 32-bit program # really' }),
	result('heap.alloc.ro', 'xfail', { reason: 'known since 5.10' }),
	result('heap.alloc.hang', 'timeout', { reason: 'line one\nline two' }),
];

const time = '2026-01-01T00:00:00.000Z';
const events: RunEvent[] = [
	{ type: 'run-start', time, version: '0', argv: [], directory: '/r' },
	{ type: 'suite-start', time, group, planned: 5 },
	...results.map((one): RunEvent => ({ type: 'case', time, result: one })),
	{ type: 'suite-end', time, group },
	{ type: 'note', time, text: 'a note\nof two lines' },
	{ type: 'run-end', time, exit: 1, totals: countVerdicts(results), durationMs: 61_000 },
];

function printed(make: (write: (text: string) => void) => { event(event: RunEvent): void }): string {
	let text = '';
	const reporter = make((more) => {
		text += more;
	});
	for (const event of events) reporter.event(event);
	return text;
}

t.test('TAP 14, whole, and as a TAP parser reads it', async (t) => {
	const text = printed((write) => new TapReporter(write));
	t.equal(text, await readFile('harness/test/fixtures/report/run.tap', 'utf8'));
	const children: string[] = [];
	const diags: unknown[] = [];
	const parser = new Parser();
	parser.on('child', (child: Parser) => {
		child.on('assert', (assert) => {
			children.push(`${assert.ok} ${assert.name} ${assert.skip || ''}${assert.todo || ''}`);
			diags.push(assert.diag);
		});
	});
	parser.end(text);
	t.same(children, [
		'true heap.alloc.basic ',
		'false heap.alloc.len-zero ',
		'true heap.alloc.compat needs a 32-bit program # really',
		'false heap.alloc.ro known since 5.10',
		'false heap.alloc.hang ',
	]);
	t.equal(parser.results?.failures.length, 1, 'the suite is not ok');
	t.match(diags[1], {
		expected: '-1 EINVAL (22, Invalid argument)',
		note: 'one: "quoted"\ntwo',
		catalogue: 'ALLOC-05',
	});
	const block = /---\n([\s\S]*?)\n {4} {2}\.\.\./.exec(text)?.[1] ?? '';
	t.match(parse(block.replaceAll(/^ {6}/gm, '')), { verdict: 'fail', duration_ms: 2 });
});

t.test('the terminal report, whole', async (t) => {
	let live = '';
	const status = new PlainStatus((text) => {
		live += text;
	});
	const text = printed((write) => new TerminalReporter(status, write, false));
	t.equal(`${live}=====\n${text}`, await readFile('harness/test/fixtures/report/run.txt', 'utf8'));
});

t.test('plain progress says what took long, and every failure', async (t) => {
	let text = '';
	const status = new PlainStatus((more) => {
		text += more;
	});
	const base = { key: 'k', subject: 'kernel', phase: 'compile' } as const;
	status.progress({ ...base, state: 'start' });
	status.progress({ ...base, state: 'update', fraction: 0.5 });
	status.progress({ ...base, state: 'failed' });
	status.progress({ ...base, key: 'n', phase: 'note', state: 'done', detail: 'rebuilding' });
	status.progress({ ...base, state: 'start' });
	status.progress({ ...base, state: 'stopped' });
	for (const state of ['start', 'stopped', 'start', 'failed'] as const)
		status.progress({ ...base, state, quiet: true });
	t.equal(text, 'kernel: compile failed\nkernel: rebuilding\nkernel: compile stopped\nkernel: compile failed\n');
	status.stop();
	t.same([999, 1000, 59_999, 252_000].map(formatDuration), ['999 ms', '1.0 s', '60.0 s', '4 min 12 s']);
});

t.test('plain progress gives a sign of life of what says nothing, and of cases that pass', async (t) => {
	let text = '';
	const status = new PlainStatus((more) => {
		text += more;
	}, 50);
	status.footer('3 cases judged');
	await sleep(120);
	t.equal(text, '3 cases judged\n', 'once');
	status.progress({ key: 'k', subject: 'kernel', phase: 'module', state: 'start', detail: 'acme' });
	await sleep(120);
	t.match(text, /^3 cases judged\nkernel: module acme \(\d+ ms\)\n/);
	status.stop();
	const said = text;
	await sleep(120);
	t.equal(text, said, 'nothing after the end');
});

t.test('exit codes', async (t) => {
	const exits: [Verdict[], number][] = [
		[[], 3],
		[['pass', 'skip', 'xfail'], 0],
		[['skip'], 0],
		[['pass', 'miss'], 3],
		[['miss', 'fail'], 1],
		[['xpass'], 1],
		[['timeout', 'pass'], 1],
		[['crash'], 1],
	];
	for (const [verdicts, expected] of exits) {
		t.equal(exitCode(countVerdicts(verdicts.map((verdict) => ({ verdict })))), expected, verdicts.join());
	}
	t.same(Object.keys(countVerdicts([])), [...VERDICTS]);
});

t.test('the event log keeps every line, refuses a used folder; results.json has the pinned shape', async (t) => {
	const directory = join(t.testdir(), 'run');
	const log = new EventLog(directory);
	for (const event of events) log.append(event);
	const lines = (await readFile(join(directory, 'events.jsonl'), 'utf8')).trim().split('\n');
	t.same(
		lines.map((line) => JSON.parse(line)),
		JSON.parse(JSON.stringify(events)),
	);
	await log.writeResults(1);
	log.close();
	t.throws(() => new EventLog(directory), /already holds the results of a run/);
	const file = JSON.parse(await readFile(join(directory, 'results.json'), 'utf8'));
	t.match(file, { schema: 1, exit: 1, totals: { pass: 1, fail: 1, skip: 1, xfail: 1, timeout: 1, crash: 0 } });
	const pinned = 'case subject suite kernel release arch machine verdict durationMs attempts reason console'.split(' ');
	for (const one of file.results)
		t.same(
			pinned.filter((field) => !(field in one)),
			[],
		);
});

t.test('what guests say is text, and nothing else, in every report', async (t) => {
	const hostile = [
		'::error::forged',
		'  ::stop-commands::x',
		'\u00a0::add-mask::a',
		'a ##[group]forged',
		'##vso[task.setvariable variable=a]b',
		'\x1b[2J\x07\x9b2J\u202eback\u2028ok 7 - forged',
		'ok 1 - forged',
		'1..1',
		'Bail out! forged',
		'    ok 9 - forged',
		'  ...',
		'  ---',
	];
	const text = hostile.join('\n');
	const said: CaseResult[] = [
		...hostile.map((name) => result(name, 'fail', { reason: text })),
		result(text, 'crash', {
			reason: text,
			diagnostics: [
				['verdict', 'pass'],
				['reason', 'forged'],
				['ok 1 - x', text],
				['note', text],
				['log', text],
				['stderr', text],
			],
			splats: [{ kind: 'bug', title: text, function: text, line: 1, severity: 'severe', report: text }],
		}),
		result('skipped', 'skip', { reason: text }),
		result('expected', 'xfail', { reason: text }),
	];
	const told: RunEvent[] = [
		...said.map((one): RunEvent => ({ type: 'case', time, result: one })),
		{ type: 'note', time, text },
		{ type: 'suite-end', time, group },
		{ type: 'run-end', time, exit: 1, totals: countVerdicts(said), durationMs: 1 },
	];
	const written = { tap: '', terminal: '', junit: '', github: '', summary: '' };
	const into = (name: keyof typeof written) => (more: string) => {
		written[name] += more;
	};
	const status = new PlainStatus(into('terminal'));
	const reporters = [
		new TapReporter(into('tap')),
		new TerminalReporter(status, into('terminal'), false),
		new JunitReporter(into('junit')),
		new GithubReporter(into('github'), { maxBytes: 1024 * 1024, write: into('summary') }),
	];
	const before = JSON.stringify(told);
	for (const event of told) for (const reporter of reporters) reporter.event(event);
	status.progress({ key: 'k', state: 'done', subject: 's', phase: 'note', detail: text });
	t.equal(JSON.stringify(told), before, 'the events themselves stay as they were');
	for (const [name, report] of Object.entries(written)) {
		t.notMatch(report, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/, `${name}: no control characters`);
		// The summary is a file of its own; a line that is a command already is not looked at for one of the older kind.
		if (name === 'summary') continue;
		if (name !== 'github') t.notMatch(report, /##(\[|vso\[)/, `${name}: no commands of an older kind`);
		const own = name === 'github' ? /^\s*::(?!(error|warning) title=)/m : /^\s*::/m;
		t.notMatch(report, own, `${name}: no workflow command of a guest's`);
	}
	t.equal((written.github.match(/^::/gm) ?? []).length, 10, 'as many annotations as are shown, and no more');

	const asserts: { ok: boolean; diag?: Record<string, unknown> }[] = [];
	const bailed: unknown[] = [];
	const extra: string[] = [];
	const parser = new Parser({ strict: true });
	const listen = (one: Parser) => {
		one.on('child', listen);
		one.on('bailout', (why) => bailed.push(why));
		one.on('extra', (line: string) => extra.push(line));
		if (one !== parser) one.on('assert', (assert: { ok: boolean }) => asserts.push(assert));
	};
	listen(parser);
	parser.end(written.tap);
	t.equal(asserts.length, said.length, 'a test point a result');
	t.same(
		asserts.map(({ ok }) => ok),
		said.map(({ verdict }) => verdict === 'skip'),
	);
	t.match(asserts[hostile.length]?.diag, { verdict: 'crash', program_verdict: 'pass', program_reason: 'forged' });
	t.same(bailed, []);
	t.same(extra, [], 'nothing that is no TAP');
});
