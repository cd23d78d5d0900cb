// SPDX-License-Identifier: MIT
import { Command, InvalidArgumentError, Option } from 'commander';
import { ARCHES } from '../core/architectures.js';
import { CASE_CLASSES, type CaseClass } from '../core/case-class.js';
import type { Isolation } from '../run/context.js';
import { collect } from './collect.js';

function parseShard(text: string): { index: number; count: number } {
	const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
	const [index, count] = [Number(match?.[1]), Number(match?.[2])];
	if (!match || index < 1 || index > count) {
		throw new InvalidArgumentError('expected I/N with 1 <= I <= N, as 2/5.');
	}
	return { index, count };
}

function collectClass(text: string, previous: CaseClass[] | undefined): CaseClass[] {
	const found = CASE_CLASSES.find((known) => known === text.toUpperCase());
	if (!found) throw new InvalidArgumentError(`expected ${CASE_CLASSES.join(', ')}.`);
	return [...(previous ?? []), found];
}

function parseTimeout(text: string): number {
	const seconds = Number(text);
	if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400)
		throw new InvalidArgumentError('expected a whole number of seconds from 1 to 86400.');
	return seconds;
}

function parseJobs(text: string): number {
	const jobs = Number(text);
	if (!Number.isInteger(jobs) || jobs < 1 || jobs > 1024)
		throw new InvalidArgumentError('expected a whole number from 1 to 1024.');
	return jobs;
}

/** What commander hands over; the same names as the options. */
export interface RunOptions {
	readonly plan?: string;
	readonly kernel?: string[];
	readonly arch?: string[];
	readonly machine?: string[];
	readonly suite?: string[];
	readonly case?: string[];
	readonly subject?: string[];
	readonly program?: string[];
	readonly module?: string[];
	readonly moduleParameter?: string[];
	readonly deviceModule?: string;
	readonly timeout?: number;
	readonly gate?: CaseClass[];
	readonly isolate?: Isolation;
	readonly jobs?: number;
	readonly failFast?: boolean;
	readonly secondLook?: boolean;
	readonly out?: string;
	readonly resume?: string;
	readonly retryMisses?: boolean;
	readonly reporter?: string[];
	readonly dryRun?: boolean;
	readonly forBisect?: boolean;
	readonly signature?: string;
	readonly shard?: { index: number; count: number };
}

const NOTES = `
Kernels: source:VERSION (built from Debian's linux-source, as source:6.12 or source:newest), tree:PATH[@REV] (your
tree, built out of tree), debian:VERSION (a stock package), file:PATH. ,profile=NAME may follow one that is built.
Without --plan the default plan is taken: source:6.12 on x86_64 and arm64, every suite against every heap.
With --program and neither --suite nor --case, only the programs run.
A case that is asked for by its whole name gates whatever its class; so do all with --for-bisect.
With --module and no --subject, the suites run against the heaps that the modules bring; see docs/modules.md.
TAP version 14 goes to standard output when it is not a terminal; results.json, events.jsonl, the consoles and QEMU's
command lines go to the run directory. --reporter junit=FILE writes JUnit XML for CI systems; --reporter github prints
annotations and adds a summary to the job of a GitHub workflow (github=FILE puts the summary there).

Examples:
  fencepost run --kernel source:6.12 --kernel source:newest
  fencepost run --kernel tree:. --arch arm64 --suite 'sync*'
  fencepost run --kernel debian:newest --arch x86_64 --case 'heap.alloc.*' --subject system
  fencepost run --kernel source:6.12 --arch x86_64 --program ./mytest,--fast
  fencepost run --kernel source:6.12 --module ./drivers/acme-heap --module-parameter acme_heap.pages=64
  fencepost run --resume runs/2026-11-21T09-30-05
  git bisect run npx --prefix ~/fencepost fencepost run --for-bisect --kernel tree:. --arch x86_64 --case heap.alloc.len-zero`;

export function runCommand(perform: (options: RunOptions) => Promise<void> = performOrResume): Command {
	return new Command('run')
		.description('Runs conformance suites on kernels in guests and judges what comes back.')
		.option('--plan <file>', 'YAML plan; the options below replace what it says')
		.option('--kernel <selector>', 'kernel to run, repeatable', collect)
		.option('--arch <arch>', `architecture, repeatable: ${ARCHES.join(' or ')}`, collect)
		.option('--machine <name>', 'machine to boot, repeatable; kernels/machines.yaml has the ready-made ones', collect)
		.option('--suite <glob>', 'suites to run, repeatable', collect)
		.option('--case <glob>', 'cases to run, repeatable', collect)
		.option('--subject <glob>', 'heaps or other subjects to run against, repeatable', collect)
		.option('--program <file[,arg...]>', 'a static program of your own that prints TAP or KTAP, repeatable', collect)
		.option('--timeout <seconds>', 'how long each --program may run (default: 300)', parseTimeout)
		.option('--module <dir>', 'source of an out-of-tree module to build, load and judge, repeatable', collect)
		.option('--module-parameter <module.name=value>', 'what a module is loaded with, repeatable', collect)
		.option('--device-module <file>', 'the device module for kernels that it cannot be built against (docs/device.md)')
		.addOption(
			new Option('--isolate <unit>', 'what a guest is used for (default: suite)').choices(['run', 'suite', 'case']),
		)
		.option(
			'--gate <class>',
			`classes of cases that the run fails for, repeatable: ${CASE_CLASSES.join(', ')} (default: ABI; others warn)`,
			collectClass,
		)
		.option('--jobs <n>', 'guests at once (default: one per core)', parseJobs)
		.option('--fail-fast', 'stop at the first fail, crash, timeout or xpass')
		.option('--no-second-look', 'do not run what fails again, alone in a fresh guest')
		.option('--out <dir>', 'run directory (default: runs/DATE-TIME)')
		.option('--resume <dir>', 'go on with the run in this directory: what it has judged stands')
		.option('--retry-misses', 'with --resume: judge again what could not be judged')
		.option('--reporter <name[=file]>', 'tap, terminal, junit or github, repeatable', collect)
		.option('--dry-run', 'say what would run, and run nothing')
		.option('--shard <i/n>', 'only the I-th of N parts', parseShard)
		.option('--for-bisect', 'answer as `git bisect run` understands it: 0 good, 1 bad, 125 cannot judge, 128 up abort')
		.option('--signature <regex>', 'with --for-bisect: what the regression looks like in a reason or on the console')
		.addHelpText('after', NOTES)
		.action(perform);
}

async function performOrResume(options: RunOptions): Promise<void> {
	const exit =
		options.resume === undefined
			? await (await import('./run-action.js')).performRun(options)
			: await (await import('./resume-action.js')).resumeRun(options.resume, options);
	// A report that could not be written has set it already.
	process.exitCode = exit || process.exitCode || 0;
}
