// SPDX-License-Identifier: MIT
// A run in this process, as the command makes one, but with programs and an agent of the test's own.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../src/cli/project.js';
import type { Arch } from '../../src/core/architectures.js';
import type { Cache } from '../../src/core/cache.js';
import type { Progress } from '../../src/core/progress.js';
import type { BuiltProgram } from '../../src/image/workshop.js';
import { loadPlan } from '../../src/plan/plan.js';
import { GithubReporter } from '../../src/report/github.js';
import { JunitReporter } from '../../src/report/junit.js';
import { PlainStatus } from '../../src/report/status.js';
import { TapReporter } from '../../src/report/tap.js';
import { TerminalReporter } from '../../src/report/terminal.js';
import type { CaseResult, RunEvent } from '../../src/results/events.js';
import { EventLog } from '../../src/results/store.js';
import type { SuiteProgram } from '../../src/run/assignment.js';
import type { Isolation } from '../../src/run/context.js';
import { runSession } from '../../src/run/session.js';
import { ExpectationBook } from '../../src/verdict/expectations.js';
import { Gate } from '../../src/verdict/gate.js';
import { KERNEL } from './characters.js';

/** A program's part in a run: the arguments make it what it is. */
export interface Part {
	readonly name: string;
	/** Asked for by name, as of a built-in suite. */
	readonly asked?: readonly string[] | undefined;
	readonly deadlineMs?: number | undefined;
}

export interface SessionOptions {
	readonly arch: Arch;
	readonly agent: BuiltProgram;
	/** Plays the parts, each of which is its first argument. */
	readonly player: BuiltProgram;
	readonly parts: readonly Part[];
	readonly isolate: Isolation;
	/** Guests at once. */
	readonly jobs: number;
	/** As a plan has them; the default machine where left out. */
	readonly machines?: readonly Readonly<Record<string, unknown>>[];
	readonly directory: string;
	readonly cache: Cache;
	readonly progress: Progress;
}

export interface SessionReport {
	readonly exit: number;
	readonly results: readonly CaseResult[];
	readonly events: readonly RunEvent[];
	/** What each reporter wrote. */
	readonly reports: Readonly<Record<'tap' | 'terminal' | 'junit' | 'github' | 'summary', string>>;
}

function suite({ name, asked, deadlineMs }: Part, guestPath: string): SuiteProgram {
	const cases = asked?.map((one) => ({ case: one, catalogue: '', needs: [] }));
	return { name, guestPath, args: [name], cases, file: undefined, option: undefined, deadlineMs };
}

export async function runParts(options: SessionOptions): Promise<SessionReport> {
	const { arch, agent, player, parts, cache, progress, directory } = options;
	mkdirSync(directory, { recursive: true });
	const { machines = ['default'] } = options;
	const planFile = join(directory, 'plan.yaml');
	writeFileSync(planFile, JSON.stringify({ kernels: [KERNEL], arches: [arch], machines }));
	const plan = await loadPlan(planFile, join(projectRoot, 'kernels/machines.yaml'), {}, directory);
	const reports = { tap: '', terminal: '', junit: '', github: '', summary: '' };
	const into = (name: keyof typeof reports) => (text: string) => {
		reports[name] += text;
	};
	const reporters = [
		new TapReporter(into('tap')),
		new TerminalReporter(new PlainStatus(into('terminal')), into('terminal'), false),
		new JunitReporter((part) => into('junit')(part)),
		new GithubReporter(into('github'), { maxBytes: 1024 * 1024, write: into('summary') }),
	];
	const events: RunEvent[] = [];
	// Programs are found by the names of suites: the player goes by the name of its first part.
	const [first] = parts;
	const home = { ...player, name: first?.name ?? player.name };
	const log = new EventLog(join(directory, 'run'));
	const { exit } = await runSession({
		...{
			plan,
			planFile,
			log,
			isolate: options.isolate,
			jobs: options.jobs,
			failFast: false,
			secondLook: true,
			planHash: '',
		},
		choice: { subjects: undefined, shard: undefined },
		book: new ExpectationBook([]),
		gate: new Gate(['ABI']),
		...{ projectRoot, cache, progress, argv: [], version: 'test' },
		programs: async () => ({ arch, agent, suites: [home] }),
		suites: parts.map((part) => suite(part, `/suites/${home.name}`)),
		onEvent: (event) => {
			events.push(event);
			for (const reporter of reporters) reporter.event(event);
		},
	});
	log.close();
	const results = events.flatMap((event) => (event.type === 'case' ? [event.result] : []));
	return { exit, results, events, reports };
}

/** Guests that this process has started and that still run. */
export function guestsLeft(): string[] {
	return readdirSync('/proc/self/task')
		.flatMap((task) => read(`/proc/self/task/${task}/children`).split(' '))
		.map((pid) => read(`/proc/${pid}/comm`).trim())
		.filter((name) => name.startsWith('qemu'));
}

function read(path: string): string {
	try {
		return readFileSync(path, 'latin1');
	} catch {
		return '';
	}
}
