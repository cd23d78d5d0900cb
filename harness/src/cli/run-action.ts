// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { Cache } from '../core/cache.js';
import { CASE_CLASSES } from '../core/case-class.js';
import { sha256, sha256File } from '../core/hash.js';
import { invocation } from '../core/invocation.js';
import { shellQuote } from '../core/process.js';
import { Progress } from '../core/progress.js';
import { readYamlSource } from '../core/yaml-source.js';
import { loadPlan, type Plan } from '../plan/plan.js';
import { EventLog } from '../results/store.js';
import { EXIT } from '../results/totals.js';
import { checkModules } from '../run/module-build-verdict.js';
import { checkPrograms, selectSuites } from '../run/select.js';
import { runSession } from '../run/session.js';
import { ExpectationBook, parseExpectations } from '../verdict/expectations.js';
import { Gate } from '../verdict/gate.js';
import { BisectRun } from './bisect.js';
import { describePlan } from './dry-run.js';
import { interruptSignal } from './interrupt.js';
import { checkOptionsMakeSense } from './option-sense.js';
import { allCases, programBuilder } from './programs.js';
import { createStatus, progressListener } from './progress.js';
import { projectRoot } from './project.js';
import { reading } from './reading.js';
import { createReporters } from './reporters.js';
import type { RunOptions } from './run.js';

/** `fencepost run`, once its options are parsed. Returns the exit code. @param resumed the run that goes on */
export async function performRun(options: RunOptions, resumed?: EventLog): Promise<number> {
	const planFile = options.plan === undefined ? undefined : resolve(options.plan);
	const library = join(projectRoot, 'kernels/machines.yaml');
	const file = planFile ?? join(projectRoot, 'kernels/plans/default.yaml');
	const plan = await reading('--plan', file, loadPlan(file, library, options, process.cwd()));
	await checkOptionsMakeSense(options, plan);
	await checkPrograms(plan);
	await checkModules(plan);
	const expectations = await loadExpectations(plan);
	const bisect = BisectRun.of(options);
	if (bisect) await BisectRun.checkHost(plan);
	const status = createStatus();
	const reporters = createReporters(options.reporter, status);
	const cache = new Cache();
	const progress = new Progress('run', interruptSignal(), progressListener(status));
	let log = resumed;
	try {
		const programs = programBuilder(cache, progress);
		const suites = selectSuites(plan, await allCases(programs));
		if (options.dryRun) {
			process.stdout.write(describePlan(plan, suites));
			return 0;
		}
		const { isolate = 'suite' } = options;
		const choice = { subjects: plan.subjects, shard: options.shard };
		const planHash = await hashPlan({ plan, suites, expectations, choice, isolate });
		log ??= newLog(options, new Date());
		const { exit } = await runSession({
			...{ plan, planFile, log, choice, isolate, projectRoot, cache, progress, programs, suites, planHash },
			jobs: options.jobs ?? availableParallelism(),
			deviceModule: options.deviceModule === undefined ? undefined : resolve(options.deviceModule),
			failFast: options.failFast ?? false,
			secondLook: options.secondLook ?? true,
			book: new ExpectationBook(expectations),
			// A bisect looks for what changed, whatever its class.
			gate: new Gate(plan.gate ?? (bisect ? CASE_CLASSES : ['ABI']), plan.cases),
			argv: log.run?.argv ?? process.argv.slice(2),
			version: packageVersion(),
			onEvent: (event) => {
				bisect?.hear(event);
				for (const reporter of reporters) reporter.event(event);
			},
		});
		for (const reporter of reporters) await reporter.end?.();
		const { directory } = log;
		process.stderr.write(`results: ${relative(process.cwd(), join(directory, 'results.json'))}\n`);
		if (bisect) return bisect.answer(exit === EXIT.interrupted, directory);
		if (exit === EXIT.interrupted) {
			process.stderr.write(`go on with: ${shellQuote([...invocation(), 'run', '--resume', directory])}\n`);
		}
		return exit;
	} finally {
		log?.close();
		status.stop();
	}
}

/** Everything that decides what is judged and how, so that a run which is resumed can tell whether it is still the same. */
async function hashPlan(parts: { readonly plan: Plan; readonly [name: string]: unknown }): Promise<string> {
	const files = await Promise.all(parts.plan.programs.map(({ file }) => sha256File(file)));
	return sha256(JSON.stringify([parts, files]));
}

async function loadExpectations(plan: Plan) {
	const lists = await Promise.all(
		plan.expectationFiles.map(async (file) =>
			parseExpectations(await reading('expectations', file, readYamlSource(file, 'expectations')), file),
		),
	);
	return lists.flat();
}

export function packageVersion(): string {
	const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };
	return version;
}

/**
 * The log in the folder that `--out` names, or in `runs/2026-11-21T09-30-05`. Runs that begin in one second, and the steps
 * of a bisect, have a folder each.
 */
function newLog({ out, forBisect }: RunOptions, now: Date): EventLog {
	const directory = resolve(out ?? join('runs', now.toISOString().slice(0, 19).replaceAll(':', '-')));
	return out === undefined || forBisect ? EventLog.beside(directory) : new EventLog(directory);
}
