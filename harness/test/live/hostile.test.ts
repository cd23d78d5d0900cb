// SPDX-License-Identifier: MIT
// Hostile programs, kernels, agents and boots in real guests, on both architectures: none is believed, none hangs the
// harness, and nothing that was said before is lost. The rows of hostile-table.ts say what each must be judged as.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Parser } from 'tap-parser';
import { programBuilder } from '../../src/cli/programs.js';
import { ARCHES, type Arch } from '../../src/core/architectures.js';
import { Cache } from '../../src/core/cache.js';
import { Progress } from '../../src/core/progress.js';
import type { CaseResult, RunEvent } from '../../src/results/events.js';
import { isFailing } from '../../src/results/totals.js';
import { hostBusyness } from '../../src/run/deadlines.js';
import { type Verdict, worse } from '../../src/verdict/verdict.js';
import { buildCharacters } from './characters.js';
import { BOOTS, IMPOSTORS, LIARS, type Row, WRECKERS } from './hostile-table.js';
import { guestsLeft, runParts, type SessionReport } from './session.js';

/** Kernels may have to be built first. */
t.setTimeout(45 * 60_000);

const PROMPT_MS = 20_000;
const cache = new Cache();
const progress = new Progress('hostile', new AbortController().signal);
const agents = programBuilder(cache, progress);

/** What a terminal may obey, but tab and newline. */
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

interface Sessions {
	readonly fresh: SessionReport;
	readonly together: SessionReport;
	readonly impostors: SessionReport;
	readonly boots: SessionReport;
}

function onArch<R extends { readonly only?: Arch }>(rows: readonly R[], arch: Arch): readonly R[] {
	return rows.filter(({ only = arch }) => only === arch);
}

/** Several at once: many of the guests wait for something. */
async function runAll(arch: Arch, directory: string): Promise<Sessions> {
	const { hostile: player, impostor } = await buildCharacters(arch, join(directory, 'programs'), { cache, progress });
	const { agent } = await agents(arch);
	const common = { arch, player, cache, progress };
	const into = (name: string) => ({ directory: join(directory, name) });
	const freshly = runParts({
		...{ ...common, ...into('fresh'), agent, parts: onArch(WRECKERS, arch), isolate: 'suite', jobs: 2 },
		machines: [{ name: 'small', extends: 'default', memoryMiB: 192, smp: 1 }],
	});
	const pretending = runParts({
		...{ ...common, ...into('impostors'), agent: impostor, parts: IMPOSTORS, isolate: 'suite', jobs: 3 },
	});
	const together = await runParts({
		...common,
		...into('together'),
		agent,
		parts: onArch(LIARS, arch),
		isolate: 'run',
		jobs: 1,
	});
	const boots = await runParts({
		...{ ...common, ...into('boots'), agent: impostor, parts: [{ name: 'honest' }], isolate: 'run', jobs: 2 },
		machines: onArch(BOOTS, arch).map(({ words }, i) => ({
			name: `boot-${i}`,
			extends: 'default',
			cmdline: words.split(' '),
		})),
	});
	return { fresh: await freshly, together, impostors: await pretending, boots };
}

/** The worst that each case of a suite was judged as. */
function verdictsOf(results: readonly CaseResult[], { name, cases }: Row): Record<string, Verdict> {
	const judged: Record<string, Verdict> = {};
	for (const one of results) {
		const said = one.case === name ? 'own' : one.case;
		if (results.length > 100 && !(said in cases)) continue;
		judged[said] = worse(judged[said] ?? one.verdict, one.verdict);
	}
	return judged;
}

/** What a row expects: of several verdicts the one that was given, where it is among them. */
function expectedOf({ cases }: Row, judged: Readonly<Record<string, Verdict>>): Record<string, Verdict | undefined> {
	const pairs = Object.entries(cases).map(([name, wanted]) => {
		const choice: readonly Verdict[] = typeof wanted === 'string' ? [wanted] : wanted;
		return [name, choice.find((one) => one === judged[name]) ?? choice[0]] as const;
	});
	return Object.fromEntries(pairs);
}

/** How long each suite took, by its first and last event. */
function durations(events: readonly RunEvent[]): ReadonlyMap<string, number> {
	const begun = new Map<string, number>();
	const took = new Map<string, number>();
	for (const event of events) {
		if (event.type === 'suite-start') begun.set(event.group.suite, Date.parse(event.time));
		if (event.type === 'suite-end')
			took.set(event.group.suite, Date.parse(event.time) - (begun.get(event.group.suite) ?? 0));
	}
	return took;
}

function checkRows(t: Test, what: string, { results, events, exit }: SessionReport, rows: readonly Row[]): void {
	const took = durations(events);
	const busyness = hostBusyness();
	for (const row of rows) {
		const own = results.filter(({ suite }) => suite === row.name);
		const judged = verdictsOf(own, row);
		t.same(judged, expectedOf(row, judged), `${what} ${row.name}`);
		const reasons = own.filter(({ verdict }) => verdict !== 'pass').map(({ reason }) => reason);
		if (row.reason) t.match(reasons.join('\n'), row.reason, `${what} ${row.name}: reason`);
		const tookMs = took.get(row.name) ?? 0;
		const limitMs = (row.withinMs ?? PROMPT_MS) * busyness;
		t.ok(tookMs < limitMs, `${what} ${row.name}: judged in ${tookMs} ms`);
	}
	t.equal(exit, 1, `${what}: exit code`);
}

/** Nothing that a guest says becomes a line of its own in a report, or reaches a terminal's ear. */
function checkReports(t: Test, what: string, { results, reports }: SessionReport): void {
	for (const name of ['tap', 'terminal', 'github', 'summary'] as const) {
		t.notMatch(reports[name], CONTROL, `${what}: no control character in ${name}`);
	}
	for (const name of ['tap', 'terminal'] as const) {
		t.notMatch(reports[name], /^\s*(::|##\[)/m, `${what}: no workflow command in ${name}`);
	}
	const commands = reports.github.split('\n').filter((line) => line !== '');
	t.same(
		commands.filter((line) => !/^::(error|warning) title=/.test(line)),
		[],
		`${what}: none but the reporter's own in github`,
	);
	const points: boolean[] = [];
	const parser = new Parser();
	parser.on('child', (child: Parser) => child.on('assert', ({ ok }: { ok: boolean }) => points.push(ok)));
	parser.end(reports.tap);
	t.equal(points.length, results.length, `${what}: a test point a result, and no more`);
	const failing = results.filter(({ verdict }) => isFailing(verdict) || verdict === 'miss' || verdict === 'xfail');
	t.equal(points.filter((ok) => !ok).length, failing.length, `${what}: and each as it was judged`);
}

const directory = t.testdir();
const all = Object.fromEntries(ARCHES.map((arch) => [arch, runAll(arch, join(directory, arch))]));

for (const arch of ARCHES) {
	t.test(`${arch}: nobody is believed, nothing hangs, nothing is lost`, async (t) => {
		const sessions = await all[arch];
		if (!sessions) throw new Error('there is a run for each architecture');
		const { fresh, together, impostors, boots } = sessions;
		checkRows(t, arch, fresh, onArch(WRECKERS, arch));
		checkRows(t, `${arch} together`, together, onArch(LIARS, arch));
		checkRows(t, `${arch} impostor`, impostors, IMPOSTORS);
		for (const [i, { words, verdict, reason }] of onArch(BOOTS, arch).entries()) {
			const own = boots.results.filter(({ machine }) => machine === `boot-${i}`);
			const boot = own.find((one) => one.case === 'machine.boot');
			t.match(boot, { verdict, reason }, `${arch} boot with ${words}`);
			t.notOk(
				own.some((one) => one.verdict === 'pass'),
				`${arch} boot with ${words}: nothing passes`,
			);
		}
		for (const [name, report] of Object.entries(sessions)) checkReports(t, `${arch} ${name}`, report);
	});
}

t.test('nothing is left running', async (t) => {
	await Promise.all(Object.values(all));
	t.same(guestsLeft(), []);
});
