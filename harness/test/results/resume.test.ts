// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { CaseResult, ResultsFile, RunEvent } from '../../src/results/events.js';
import { readRun } from '../../src/results/recorded-run.js';
import { EventLog } from '../../src/results/store.js';
import { VERDICTS, type Verdict } from '../../src/verdict/verdict.js';

const time = '2026-01-01T00:00:00.000Z';
const VERSION = '1.2.3';
const base = {
	case: 'c',
	subject: 'system',
	suite: 'alloc',
	kernel: 'source:6.12',
	release: '6.12.1',
	arch: 'x86_64',
	machine: 'default',
	verdict: 'pass',
	durationMs: 1,
	attempts: 1,
	reason: '',
	console: 'consoles/001.log',
} as const satisfies CaseResult;
const one = (name: string, verdict: Verdict, more: Partial<CaseResult> = {}): CaseResult => ({
	...base,
	case: name,
	verdict,
	reason: verdict === 'pass' ? '' : `${verdict}, with "quotes"\nand a second line`,
	...more,
});
const start = (more: object = {}): RunEvent => ({
	...{ type: 'run-start', time, schema: 1, version: VERSION, argv: ['run', '--kernel', 'tree:.'], cwd: '/home/me' },
	...{ directory: '/elsewhere', ...more },
});
const end = (exit: number, more: object = {}): RunEvent => ({
	...{ type: 'run-end', time, exit, totals: {} as never, durationMs: 1000, ...more },
});
const suiteEnd = (more: Partial<CaseResult> = {}): RunEvent => ({
	...{ type: 'suite-end', time, group: { ...base, ...more } },
});
/** What a session does with a judged case. */
function record(log: EventLog, result: CaseResult): boolean {
	const event = log.caseEvent(result);
	if (event) log.append(event);
	return event !== undefined;
}
const resultsOf = (directory: string) =>
	JSON.parse(readFileSync(join(directory, 'results.json'), 'utf8')) as ResultsFile;
const briefly = ({ results }: ResultsFile) => results.map(({ case: name, verdict }) => `${name} ${verdict}`);
const counted = (totals: Readonly<Record<Verdict, number>>) =>
	VERDICTS.filter((verdict) => totals[verdict] > 0).map((verdict) => `${totals[verdict]} ${verdict}`);

/** A program of its own that imports the store. */
function program(code: string, nodeArgs: readonly string[] = []) {
	const store = JSON.stringify(new URL('../../src/results/store.js', import.meta.url).href);
	return [...nodeArgs, '--input-type=module', '--eval', `import { EventLog } from ${store};\n${code}`];
}

t.test('results.json is written from the log: pinned shape, every result, in order', async (t) => {
	const directory = join(t.testdir(), 'run');
	const log = new EventLog(directory);
	log.append(start());
	const results = [one('a', 'pass'), one('b', 'fail', { splats: [], rerun: 'npx fencepost' }), one('b', 'skip')];
	for (const result of results) t.ok(record(log, result));
	log.append(suiteEnd());
	await log.writeResults(1);
	log.append(end(1));
	t.same(resultsOf(directory), { schema: 1, exit: 1, totals: log.totals, results });
	t.same(Object.keys(resultsOf(directory)), ['schema', 'exit', 'totals', 'results']);
	t.same(counted(log.totals), ['1 pass', '1 skip', '1 fail']);
	t.notOk(existsSync(join(directory, '.results.json')));
	log.close();
	t.throws(() => new EventLog(directory), { code: 'RUN_DIRECTORY_TAKEN', blame: 'usage', hint: /--resume/ });
	const beside = [EventLog.beside(directory), EventLog.beside(directory)];
	t.same(
		beside.map((other) => other.directory),
		[`${directory}-2`, `${directory}-3`],
	);
	for (const other of beside) other.close();
	const file = join(directory, 'events.jsonl');
	for (const taken of [file, join(file, 'below')])
		t.throws(() => new EventLog(taken), { code: 'RUN_DIRECTORY_FILE', blame: 'usage', message: /is a file/ });
	// Node's `mkdir -p` never comes back from there.
	t.throws(() => new EventLog('/proc/none/run'), { code: 'RUN_DIRECTORY', blame: 'infrastructure' });

	const none = new EventLog(join(t.testdirName, 'none'));
	await none.writeResults(3);
	t.same(resultsOf(none.directory).results, []);
	none.close();
});

t.test('a run that was killed is read back: what is done, where it was, what it ran', async (t) => {
	const directory = join(t.testdir(), 'run');
	const log = new EventLog(directory);
	log.append(start({ planHash: 'abc' }));
	const ready = { type: 'kernel-ready', time, kernel: 'tree:.', arch: 'arm64', release: undefined, image: '' } as const;
	log.append({ ...ready, id: 'old', provenance: [] });
	log.append({ ...ready, id: 'new', provenance: [] });
	log.append({ type: 'guest-ready', time, guest: '012-tree_.-arm64', bootMs: 1 });
	log.append({ type: 'note', time, text: 'a note' });
	record(log, one('a', 'pass'));
	record(log, one('b', 'miss'));
	log.append(suiteEnd());
	record(log, one('a', 'pass', { subject: 'default_cma_region' }));
	log.close();
	appendFileSync(join(directory, 'events.jsonl'), '{"type":"case","time":"2026-');

	const run = await readRun(directory);
	t.match(run, { directory, argv: ['run', '--kernel', 'tree:.'], cwd: '/home/me', version: VERSION, planHash: 'abc' });
	t.match(run, { resumed: 0, finished: undefined, startedAt: time, lastGuest: 12 });
	t.same(run.kernels, [{ kernel: 'tree:.', arch: 'arm64', id: 'new' }]);
	t.same(counted(run.totals), ['2 pass', '1 miss']);
	t.equal(run.done.size, 3);
	t.equal(run.done.verdict(one('b', 'pass')), 'miss');
	t.ok(run.done.has(one('a', 'fail')));
	for (const other of ['case', 'subject', 'suite', 'kernel', 'arch', 'machine'] as const)
		t.notOk(run.done.has({ ...base, case: 'a', [other]: 'other' }), `another ${other} is another case`);
	t.ok(run.done.hasGroup(base));
	t.notOk(run.done.hasGroup({ ...base, subject: 'default_cma_region' }), 'its end is not recorded');
});

t.test('resumed: the half line is gone, what is recorded stands, nothing is recorded twice', async (t) => {
	const directory = join(t.testdir(), 'run');
	const first = new EventLog(directory);
	first.append(start());
	for (const [name, verdict] of [
		['kept', 'pass'],
		['worse', 'pass'],
		['better', 'fail'],
		['missed', 'miss'],
		['missed-again', 'miss'],
		['twice', 'pass'],
		['twice', 'skip'],
	] as const)
		record(first, one(name, verdict));
	first.close();
	appendFileSync(join(directory, 'events.jsonl'), '{"type":"case","ti');

	const log = await EventLog.resume(directory, VERSION);
	t.equal(log.run?.resumed, 0);
	log.append(start({ resumed: 1 }));
	t.notOk(record(log, one('kept', 'pass')));
	t.notOk(record(log, one('kept', 'miss')), 'a miss does not replace a verdict');
	t.ok(record(log, one('worse', 'crash')), 'a failure is not hidden by an earlier pass');
	t.ok(record(log, one('worse', 'fail')), 'the same name again in the same part');
	t.notOk(record(log, one('better', 'pass')), 'a failure stands');
	t.ok(record(log, one('missed', 'pass')), 'a miss gives way');
	t.notOk(record(log, one('missed-again', 'miss')));
	t.notOk(record(log, one('twice', 'pass')));
	t.ok(record(log, one('twice', 'fail')), 'of a name used for several none is replaced');
	t.ok(record(log, one('new', 'pass')));
	t.ok(record(log, one('new', 'pass')), 'done is what earlier parts recorded');
	await log.writeResults(1);
	log.append(end(130));
	log.close();
	const expected = ['kept pass', 'better fail', 'missed-again miss', 'twice pass', 'twice skip', 'worse crash'];
	t.same(briefly(resultsOf(directory)), [
		...expected,
		...['worse fail', 'missed pass', 'twice fail', 'new pass', 'new pass'],
	]);
	const worse = resultsOf(directory).results.find(({ case: name }) => name === 'worse');
	t.match(worse, { flaky: true, attempts: 2, earlier: [{ verdict: 'pass' }] });
	const missed = resultsOf(directory).results.find(({ case: name }) => name === 'missed');
	t.match(missed, { flaky: undefined, attempts: 2, earlier: [{ verdict: 'miss' }] });

	const again = await EventLog.resume(directory, VERSION);
	t.same(again.totals, log.totals, 'read back, the same lines count');
	t.match(again.run, { resumed: 1, durationMs: 1000, finished: undefined });
	again.append(start({ resumed: 2 }));
	t.ok(record(again, one('missed', 'timeout')));
	await again.writeResults(1);
	const results = resultsOf(directory);
	t.equal(results.results.filter(({ case: name }) => name === 'missed').length, 1);
	t.same(results.totals, again.totals);
	again.close();
	t.same((await readRun(directory)).totals, again.totals);
});

t.test('a run that ended is not added to; its misses can be judged again', async (t) => {
	const directory = join(t.testdir(), 'run');
	const log = new EventLog(directory);
	log.append(start());
	record(log, one('a', 'pass'));
	record(log, one('b', 'miss'));
	log.append(suiteEnd());
	record(log, one('a', 'pass', { subject: 'other' }));
	log.append(suiteEnd({ subject: 'other' }));
	log.append(end(3));
	log.close();

	const finished = await EventLog.resume(directory, VERSION);
	t.match(finished.run?.finished, { exit: 3, totals: { pass: 2, miss: 1 } });
	t.throws(() => finished.append(start()), /has ended/);
	t.notOk(existsSync(join(directory, 'results.json')));
	await finished.restoreResults();
	t.match(resultsOf(directory), { exit: 3, totals: { pass: 2, miss: 1 } });
	finished.close();

	const redo = await EventLog.resume(directory, VERSION, { redoMisses: true });
	t.equal(redo.run?.finished, undefined);
	t.same(counted(redo.totals), ['2 pass']);
	t.notOk(redo.done.has(one('b', 'pass')));
	t.equal(redo.done.size, 2);
	t.notOk(redo.done.hasGroup(base), 'a group with a miss is open again');
	t.ok(redo.done.hasGroup({ ...base, subject: 'other' }));
	redo.append(start({ resumed: 1 }));
	t.notOk(record(redo, one('a', 'pass')));
	t.ok(record(redo, one('b', 'pass')));
	await redo.writeResults(0);
	redo.append(end(0));
	redo.close();
	t.same(briefly(resultsOf(directory)), ['a pass', 'a pass', 'b pass']);
	t.match(await readRun(directory), { finished: { exit: 0, totals: { pass: 3, miss: 0 } }, resumed: 1 });

	const stopped = new EventLog(join(t.testdirName, 'stopped'));
	stopped.append(start());
	stopped.append(end(1, { stopped: 'fail-fast' }));
	stopped.close();
	t.equal((await readRun(stopped.directory)).finished, undefined, 'stopped early is not finished');
});

t.test('what cannot be resumed is refused, with the line and the reason', async (t) => {
	const root = t.testdir();
	const line = (event: unknown) => `${JSON.stringify(event)}\n`;
	const good = line(start());
	const rows: [what: string, text: string | undefined, code: string, message: RegExp][] = [
		['no log', undefined, 'RUN_NOT_FOUND', /holds no run: there is no events.jsonl/],
		['an empty log', '', 'RUN_LOG_DAMAGED', /nothing is recorded/],
		['half of its first line', good.slice(0, 30), 'RUN_LOG_DAMAGED', /nothing is recorded/],
		['a foreign file', 'hello\n', 'RUN_LOG_DAMAGED', /events\.jsonl:1: .*JSON/],
		['another JSON file', '{"a":1}\n', 'RUN_LOG_DAMAGED', /events\.jsonl:1: not an event/],
		['no beginning', line(suiteEnd()), 'RUN_LOG_DAMAGED', /events\.jsonl:1: .*begins with run-start/],
		['a bad line inside', `${good}{"type":\n${good}`, 'RUN_LOG_DAMAGED', /events\.jsonl:2: /],
		['NUL bytes', `${good}\0\0\0\n`, 'RUN_LOG_DAMAGED', /events\.jsonl:2: /],
		[
			'an unknown verdict',
			`${good}${line({ type: 'case', time, result: { ...base, verdict: 'fine' } })}`,
			'RUN_LOG_DAMAGED',
			/events\.jsonl:2: case: result\.verdict/,
		],
		['a line without end', `${good}${'x'.repeat(17 << 20)}\n`, 'RUN_LOG_DAMAGED', /:2: the line is longer than/],
		['an older schema', line({ ...start(), schema: undefined }), 'RUN_VERSION', /as schema 0; this one reads schema 1/],
		['a newer schema', line(start({ schema: 2 })), 'RUN_VERSION', /as schema 2/],
		[
			'another version',
			line(start({ version: '1.2.4' })),
			'RUN_VERSION',
			/begun by fencepost 1\.2\.4; this is 1\.2\.3/,
		],
	];
	for (const [what, text, code, message] of rows) {
		const directory = join(root, what);
		mkdirSync(directory);
		if (text !== undefined) writeFileSync(join(directory, 'events.jsonl'), text);
		await t.rejects(EventLog.resume(directory, VERSION), { code, message, blame: 'usage' }, what);
		if (text !== undefined) t.equal(readFileSync(join(directory, 'events.jsonl'), 'utf8'), text, 'and left alone');
	}
	await t.rejects(EventLog.resume(join(root, 'nowhere'), VERSION), { code: 'RUN_NOT_FOUND' });
	await t.rejects(EventLog.resume('/dev/null', VERSION), { code: 'RUN_NOT_FOUND' });
});

t.test('a run that goes on cannot be resumed by another process; one that was killed can', async (t) => {
	const directory = join(t.testdir(), 'run');
	const writer = spawn(
		process.execPath,
		program(`
			const log = new EventLog(${JSON.stringify(directory)});
			log.append(${JSON.stringify(start())});
			const result = ${JSON.stringify(one('', 'pass'))};
			for (let i = 0; ; i++) {
				log.append(log.caseEvent({ ...result, case: 'case-' + i, reason: 'x'.repeat(i % 5000) }));
				process.stdout.write(i + '\\n');
				if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
			}`),
		{ stdio: ['ignore', 'pipe', 'inherit'] },
	);
	let said = '';
	writer.stdout.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	while (said.length < 2000) await once(writer.stdout, 'data');
	await t.rejects(EventLog.resume(directory, VERSION), { code: 'RUN_STILL_WRITTEN', blame: 'usage' });
	t.ok((await readRun(directory)).done.size > 0, 'it can be looked at');
	writer.kill('SIGKILL');
	await once(writer, 'close');
	const told = said.slice(0, said.lastIndexOf('\n')).split('\n').length;
	const log = await EventLog.resume(directory, VERSION);
	t.ok(log.done.size >= told, `${log.done.size} recorded, ${told} were told of`);
	t.ok(log.done.has(one(`case-${told - 1}`, 'pass')));
	await log.writeResults(130);
	t.equal(resultsOf(directory).results.length, log.done.size);
	log.close();
});

t.test('a write that fails leaves no half line behind', async (t) => {
	const directory = join(t.testdir(), 'run');
	// A file may grow to 64 blocks of 512 bytes here; SIGXFSZ is caught, so that the write fails instead.
	const code = program(`
		process.on('SIGXFSZ', () => {});
		const log = new EventLog(${JSON.stringify(directory)});
		log.append(${JSON.stringify(start())});
		const result = ${JSON.stringify(one('', 'pass'))};
		let failed = 0;
		for (let i = 0; i < 100; i++) {
			try {
				log.append(log.caseEvent({ ...result, case: 'case-' + i, reason: 'x'.repeat(i < 90 ? 1000 : 1) }));
			} catch (error) {
				failed++;
				if (error.code !== 'EVENT_LOG') throw error;
			}
		}
		await log.writeResults(1).catch((error) => console.log(error.code));
		console.log(failed > 0, Object.values(log.totals).reduce((a, b) => a + b) + failed);`);
	const child = spawn('sh', ['-c', 'ulimit -f 64; exec "$@"', 'sh', process.execPath, ...code], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	let said = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	await once(child, 'close');
	t.match(said, /^RESULTS_FILE\ntrue 100$|^true 100$/m);
	const run = await readRun(directory);
	t.ok(run.done.size > 10 && run.done.size < 100, `${run.done.size} recorded`);
	t.notOk(existsSync(join(directory, '.results.json')));
});

t.test('a result of a guest that talks without end can be read back', async (t) => {
	const directory = join(t.testdir(), 'run');
	const log = new EventLog(directory);
	log.append(start());
	const flood = 'x'.repeat(1 << 20);
	const diagnostics = Array.from({ length: 40 }, (_, i) => [`key ${i}`, flood] as const);
	record(log, one('flood', 'fail', { diagnostics, reason: flood }));
	t.ok(statSync(join(directory, 'events.jsonl')).size < 2 << 20);
	await log.writeResults(1);
	t.match(resultsOf(directory).results, [
		{ case: 'flood', verdict: 'fail', reason: /^x+… \(1048576 characters, cut\)$/ },
	]);
	log.close();
	t.equal((await readRun(directory)).done.size, 1);
});

t.test('results of 10,000 jobs are written and read back in little memory', async (t) => {
	const directory = join(t.testdir(), 'run');
	const code = program(
		`
		const log = new EventLog(${JSON.stringify(directory)});
		log.append(${JSON.stringify(start())});
		const result = ${JSON.stringify(one('', 'pass', { diagnostics: [['expected', 'y'.repeat(500)]] }))};
		for (let job = 0; job < 10_000; job++) {
			for (let i = 0; i < 10; i++) log.append(log.caseEvent({ ...result, subject: 'heap-' + job, case: 'case-' + i }));
			log.append({ type: 'suite-end', time: '', group: { ...result, subject: 'heap-' + job } });
		}
		await log.writeResults(0);
		log.close();
		const again = await EventLog.resume(${JSON.stringify(directory)}, '${VERSION}');
		await again.writeResults(0);
		console.log(again.done.size, again.done.hasGroup({ ...result, subject: 'heap-9999' }));
		console.log(process.resourceUsage().maxRSS);`,
		['--max-old-space-size=32', '--max-semi-space-size=1'],
	);
	const child = spawn(process.execPath, code, { stdio: ['ignore', 'pipe', 'inherit'] });
	let said = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	await once(child, 'close');
	const [counts, maxKiB] = said.trim().split('\n');
	t.equal(counts, '100000 true');
	t.ok(Number(maxKiB) < 180 * 1024, `${Math.round(Number(maxKiB) / 1024)} MiB at most, for 80 MB of results`);
	const { size } = statSync(join(directory, 'results.json'));
	t.ok(size > 70e6, `results.json has ${size} bytes`);
	rmSync(directory, { recursive: true });
});
