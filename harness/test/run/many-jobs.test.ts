// SPDX-License-Identifier: MIT
// A run of 10,000 jobs (kernel × machine × suite × subject) on scripted guests: memory stays flat, and what the
// harness itself takes for a job is small beside what a guest takes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import { Progress } from '../../src/core/progress.js';
import { parseKernelSelector } from '../../src/core/selector.js';
import { FakeStarter } from '../../src/machine/fake/guest.js';
import { PlainStatus } from '../../src/report/status.js';
import { TapReporter } from '../../src/report/tap.js';
import { TerminalReporter } from '../../src/report/terminal.js';
import { EventLog } from '../../src/results/store.js';
import { Dispatcher } from '../../src/run/dispatcher.js';
import { Estimates } from '../../src/run/estimates.js';
import { GuestCounter } from '../../src/run/launch.js';
import { TargetWork } from '../../src/run/target-work.js';
import { alloc, facts, kernel, machine, one, passing } from './scripted.js';

const KERNELS = 25;
const MACHINES = 4;
const SUITES = 20;
const SUBJECTS = 5;
const JOBS = KERNELS * MACHINES * SUITES * SUBJECTS;
/** Of the 10,000 after the first thousand: what is kept of a job is its share of some tables, some 100 bytes a case. */
const MAX_GROWTH_BYTES = 24 * 1024 * 1024;
/** A clone that runs one short case takes 200 to 300 ms of processor time under emulation: a tenth of that. */
const MAX_JOB_MS = 20;

t.setTimeout(10 * 60_000);

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function heapBytes(): Promise<number> {
	await new Promise(setImmediate);
	collectGarbage();
	return process.memoryUsage().heapUsed;
}

t.test('10,000 jobs in flat memory', async (t) => {
	t.equal(JOBS, 10_000);
	const directory = t.testdir();
	const log = new EventLog(join(directory, 'run'));
	let written = 0;
	const write = (text: string) => {
		written += text.length;
	};
	const reporters = [new TapReporter(write), new TerminalReporter(new PlainStatus(write), write, false)];
	const emit = (event: Parameters<EventLog['append']>[0]) => {
		log.append(event);
		for (const reporter of reporters) reporter.event(event);
	};
	const time = '2026-11-21T00:00:00Z';
	emit({ type: 'run-start', time, schema: 1, cwd: '/', version: '0', argv: ['run'], directory });

	const dispatcher = new Dispatcher({ slots: 64, memoryMiB: 1024 * 1024 });
	const estimates = await Estimates.load(new Cache(join(directory, 'cache')));
	const counter = new GuestCounter();
	const suites = Array.from({ length: SUITES }, (_, i) => ({
		...alloc,
		name: `suite-${i}`,
		cases: [one(`s${i}.one`), one(`s${i}.two`)],
	}));
	const heaps = Array.from({ length: SUBJECTS }, (_, i) => `heap-${i}`);
	const script = {
		facts: { ...facts, heaps: [...facts.heaps, ...heaps] },
		job: ({ args }: { args: readonly string[] }) => passing(args),
	};
	const runTarget = async (k: number, m: number) => {
		const own = { ...machine, name: `machine-${m}` };
		new TargetWork(
			{
				selector: parseKernelSelector(`source:6.${k}`, 'test'),
				...{ kernel, machine: own, suites, initramfs: '/i', identity: 'i', modules: [], moduleParameters: [] },
			},
			{
				starter: new FakeStarter([script]),
				progress: new Progress('test', new AbortController().signal),
				directory: join(directory, 'run'),
				...{
					done: log.done,
					planFile: undefined,
					deviceModule: undefined,
					isolate: 'suite',
					secondLook: true,
					estimates,
					emit,
				},
				choice: { subjects: heaps, shard: undefined },
				expected: () => false,
				record: (result) => {
					const event = log.caseEvent(result);
					if (event) emit(event);
				},
			},
			dispatcher,
			counter,
			() => {},
		).start();
	};

	const startedCpu = process.cpuUsage();
	let settled = 0;
	for (let k = 0; k < KERNELS; k++) {
		for (let m = 0; m < MACHINES; m++) await runTarget(k, m);
		await dispatcher.idle();
		// Tables are there, code is compiled.
		if (k === 2) settled = await heapBytes();
	}
	const growth = (await heapBytes()) - settled;
	const { user, system } = process.cpuUsage(startedCpu);
	const jobMs = (user + system) / 1000 / JOBS;
	t.comment(`heap grew by ${(growth / 1024 / 1024).toFixed(1)} MiB; ${jobMs.toFixed(2)} ms of processor time a job`);
	t.ok(growth < MAX_GROWTH_BYTES, `the heap grew by ${growth} bytes`);
	t.ok(jobMs < MAX_JOB_MS, `${jobMs} ms of processor time a job`);

	await log.writeResults(0);
	emit({ type: 'run-end', time, exit: 0, totals: log.totals, durationMs: 1 });
	log.close();
	t.equal(log.totals.pass, JOBS * 2);
	const results = JSON.parse(await readFile(join(directory, 'run/results.json'), 'utf8'));
	t.equal(results.results.length, JOBS * 2, 'every result is in results.json');
	t.ok(written > 0);
});
