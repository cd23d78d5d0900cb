// SPDX-License-Identifier: MIT
import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import { errnoOf, usageError } from '../core/errors.js';
import { EventLog } from '../results/store.js';
import { type RunOptions, runCommand } from './run.js';
import { packageVersion, performRun } from './run-action.js';

/** Options that may differ from those a run was begun with: they do not decide what is judged, or how. */
const CHANGEABLE: ReadonlySet<string> = new Set(['resume', 'retryMisses', 'reporter', 'jobs', 'failFast']);

/** `fencepost run --resume DIR`: the run that was begun there, as it was asked for then, without what it has judged. */
export async function resumeRun(directory: string, given: RunOptions): Promise<number> {
	// `--no-second-look`, where it was not given, is an option with the value true.
	const [other] = Object.entries(given).flatMap(([name, value]) =>
		CHANGEABLE.has(name) || (name === 'secondLook' && value === true) ? [] : [name],
	);
	if (other !== undefined) {
		throw usageError(
			'RESUME_OPTION',
			`--resume goes on as the run was begun: --${kebab(other)} cannot be given with it`,
			'accepted beside it: --retry-misses, --reporter, --jobs, --fail-fast',
		);
	}
	const redoMisses = given.retryMisses ?? false;
	const log = await EventLog.resume(resolve(directory), packageVersion(), { redoMisses });
	const { run } = log;
	if (!run || run.finished) {
		await log.restoreResults();
		log.close();
		const hint = run && run.totals.miss > 0 ? '; --retry-misses judges again what could not be judged' : '';
		process.stderr.write(`${directory}: the run has ended, nothing is left to do${hint}\n`);
		return run?.finished?.exit ?? 0;
	}
	enter(run.cwd);
	process.stderr.write(`going on with ${relative(process.cwd(), log.directory)}: ${run.done.size} cases are judged\n`);
	const { reporter, jobs, failFast } = given;
	const begun = await optionsOf(run.argv);
	return performRun({ ...begun, failFast: false, ...defined({ reporter, jobs, failFast }) }, log);
}

/** Paths of the run are relative to the folder it was begun in. */
function enter(folder: string): void {
	try {
		process.chdir(folder);
	} catch (error) {
		throw usageError(
			'RESUME_FOLDER',
			`the run was begun in ${folder}, which is not there (${errnoOf(error) ?? error})`,
		);
	}
}

async function optionsOf(argv: readonly string[]): Promise<RunOptions> {
	let options: RunOptions | undefined;
	const program = new Command().addCommand(
		runCommand(async (parsed) => {
			options = parsed;
		}),
	);
	await program.parseAsync(argv, { from: 'user' });
	if (!options)
		throw usageError('RESUME_OPTIONS', `the run was begun as \`fencepost ${argv.join(' ')}\`, which runs nothing`);
	return options;
}

function defined<T extends object>(options: T): Partial<T> {
	return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function kebab(name: string): string {
	return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
