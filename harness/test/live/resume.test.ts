// SPDX-License-Identifier: MIT
// The harness is killed at random moments; nothing of it may stay but what it has recorded, and the run goes on.
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ARCHES, type Arch } from '../../src/core/architectures.js';
import { sleep } from '../../src/core/clock.js';
import type { CaseResult, RunEvent } from '../../src/results/events.js';
import { bad, Fencepost, resultsOf } from './host.js';

/** On each architecture, side by side: two runs share one cache. */
const KILLS = 25;
t.setTimeout(20 * 60_000);

type Told = Pick<CaseResult, 'arch' | 'case' | 'subject' | 'verdict'>;
const told = (one: Told) => `${one.arch} ${one.case} ${one.subject} ${one.verdict}`;

/** The whole lines of a log that may end in half a line. */
async function linesOf(directory: string): Promise<RunEvent[]> {
	const text = await readFile(join(directory, 'events.jsonl'), 'utf8').catch(() => '');
	const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
	return whole.filter((line) => line !== '').map((line) => JSON.parse(line) as RunEvent);
}

async function recorded(directory: string): Promise<string[]> {
	return (await linesOf(directory)).flatMap((event) => (event.type === 'case' ? [told(event.result)] : []));
}

/** Runs the command, or kills it at its moment. */
async function killedAt(momentMs: number, args: readonly string[]) {
	const command = new Fencepost(args);
	const killer = setTimeout(() => command.kill('SIGKILL'), momentMs);
	const shown = await command.done;
	clearTimeout(killer);
	return { command, shown };
}

/** What of a command still runs after a while. */
async function staying(command: Fencepost, patienceMs: number, isMeant: (name: string) => boolean): Promise<string[]> {
	const deadlineMs = performance.now() + patienceMs;
	for (;;) {
		const names = command.leftovers().filter(isMeant);
		if (names.length === 0 || performance.now() > deadlineMs) return names;
		await sleep(20);
	}
}

t.test('SIGKILL at 50 random moments: no guest stays, no result is lost, the run can be finished', async (t) => {
	const folder = t.testdir();
	await Promise.all(ARCHES.map((arch) => killAndResume(t, arch, join(folder, arch))));
});

async function killAndResume(t: Test, arch: Arch, folder: string): Promise<void> {
	const run = ['run', '--kernel', 'source:6.12', '--arch', arch, '--isolate', 'case', '--suite', 'name'];
	const startedMs = performance.now();
	const whole = await new Fencepost([...run, '--out', join(folder, 'whole')]).done;
	const wholeMs = performance.now() - startedMs;
	t.equal(whole.status, 0, whole.stderr);

	let [runs, ended, kept] = [0, 0, 0];
	let directory = '';
	let known: string[] = [];
	const commands: Fencepost[] = [];
	const goOn = async () => {
		const begun = directory !== '' && (await linesOf(directory)).length > 0;
		if (!begun) directory = join(folder, `run-${++runs}`);
		return begun ? ['run', '--resume', directory] : [...run, '--out', directory];
	};
	for (let kill = 0; kill < KILLS; kill++) {
		const args = await goOn();
		const momentMs = randomInt(20, Math.ceil(wholeMs));
		const { command, shown } = await killedAt(momentMs, args);
		commands.push(command);
		const label = `${args.slice(0, 2).join(' ')}, killed after ${momentMs} ms`;
		const guests = await staying(command, 1000, (name) => name.startsWith('qemu'));
		if (guests.length > 0) t.same(guests, [], `${label}: a guest stays`);
		if (shown.signal === null && shown.status !== 0) t.fail(`${label}: ended with ${shown.status}: ${shown.stderr}`);
		const now = await recorded(directory);
		const lost = known.filter((one) => !now.includes(one));
		if (lost.length > 0) t.same(lost, [], `${label}: recorded before, and gone`);
		kept += known.length > 0 ? 1 : 0;
		known = now;
		if (shown.signal !== null) continue;
		ended++;
		directory = '';
		known = [];
	}
	t.comment(
		`${arch}: ${runs} runs, ${ended} ended before their kill; ${kept} parts began with results of an earlier one`,
	);
	const shown = await new Fencepost(await goOn()).done;
	t.equal(shown.status, 0, shown.stderr);
	const { results, totals } = await resultsOf(directory);
	t.same(bad(results), []);
	const expected = await resultsOf(join(folder, 'whole'));
	t.same(
		results.map(told).sort(),
		expected.results.map(told).sort(),
		'every case, once, as in a run that nobody killed',
	);
	t.same(totals, expected.totals);
	t.equal((shown.stdout.match(/^ {4}ok /gm) ?? []).length, results.length, 'and the report tells of all of them');
}
