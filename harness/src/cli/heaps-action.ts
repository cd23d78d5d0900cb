// SPDX-License-Identifier: MIT
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cache } from '../core/cache.js';
import { CASE_CLASSES } from '../core/case-class.js';
import { Progress } from '../core/progress.js';
import { loadPlan } from '../plan/plan.js';
import type { CaseResult } from '../results/events.js';
import { EventLog } from '../results/store.js';
import { EXIT } from '../results/totals.js';
import { checkModules } from '../run/module-build-verdict.js';
import { selectSuites } from '../run/select.js';
import { runSession } from '../run/session.js';
import { ExpectationBook } from '../verdict/expectations.js';
import { Gate } from '../verdict/gate.js';
import type { HeapsOptions } from './heaps.js';
import { CONSTRAINTS_SUITE, heapsTable, measuredHeaps } from './heaps-table.js';
import { interruptSignal } from './interrupt.js';
import { allCases, programBuilder } from './programs.js';
import { createStatus, progressListener } from './progress.js';
import { projectRoot } from './project.js';
import { packageVersion } from './run-action.js';

/** `fencepost heaps`: runs the suite that measures, and prints what it found. Returns the exit code, as a run's. */
export async function performHeaps(options: HeapsOptions): Promise<number> {
	const plan = await loadPlan(
		join(projectRoot, 'kernels/plans/default.yaml'),
		join(projectRoot, 'kernels/machines.yaml'),
		// With a module, a run looks at its heaps alone unless it is told.
		{ ...options, suite: [CONSTRAINTS_SUITE], subject: ['*'] },
		process.cwd(),
	);
	await checkModules(plan);
	const status = createStatus();
	const cache = new Cache();
	const progress = new Progress('heaps', interruptSignal(), progressListener(status));
	const directory = await mkdtemp(join(tmpdir(), 'fencepost-heaps-'));
	let keep = false;
	try {
		const programs = programBuilder(cache, progress);
		const suites = selectSuites(plan, await allCases(programs));
		const results: CaseResult[] = [];
		const log = new EventLog(join(directory, 'run'));
		const { exit } = await runSession({
			...{ plan, planFile: undefined, log, projectRoot, cache, progress, programs, suites, planHash: '' },
			choice: { subjects: plan.subjects, shard: undefined },
			isolate: 'suite',
			jobs: availableParallelism(),
			failFast: false,
			secondLook: false,
			book: new ExpectationBook([]),
			gate: new Gate(CASE_CLASSES, plan.cases),
			argv: process.argv.slice(2),
			version: packageVersion(),
			onEvent: (event) => {
				if (event.type === 'case') results.push(event.result);
			},
		}).finally(() => log.close());
		status.stop();
		const heaps = measuredHeaps(results);
		process.stdout.write(options.json ? `${JSON.stringify(heaps, null, 1)}\n` : heapsTable(heaps));
		for (const { suite, case: name, verdict, reason } of results) {
			// What went wrong before a heap could be looked at.
			if (suite !== CONSTRAINTS_SUITE && verdict !== 'pass' && verdict !== 'skip')
				process.stderr.write(`${name}: ${verdict}: ${reason}\n`);
		}
		keep = exit !== EXIT.allJudged && exit !== EXIT.interrupted;
		if (keep) process.stderr.write(`consoles and events: ${join(directory, 'run')}\n`);
		return exit;
	} finally {
		status.stop();
		if (!keep) await rm(directory, { recursive: true, force: true });
	}
}
