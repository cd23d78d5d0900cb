// SPDX-License-Identifier: MIT
// Runs the suites against a heap that breaks its promises one at a time: docs/heap-mutants.md says how and why.
//   npm run heap-mutants [-- M01...] [--kernel source:6.12]... [--arch x86_64]... [--all-cases] [--mutants-only] [--list]
// Exit code: 0 when the heap that breaks nothing passes and every mutant is killed, 1 when not.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, minimist } from 'zx';
import { inRange, parseRelease } from '../harness/dist/src/core/release.js';
import { heapMutantsPage, readRecords } from './heap-mutant-page.mjs';
import { HEAP_MODULE, readHeapMutants } from './heap-mutant-table.mjs';
import { EVERY_CLASS_GATES, KILLED } from './mutant-verdicts.mjs';
import './reader-gone.mjs';

$.verbose = false;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fencepost = [process.execPath, join(root, 'harness/dist/src/cli/main.js')];
const PAGE = join(root, 'docs/heap-mutants.md');
const RECORDS = join(root, 'runs/heap-mutants');
/** The kinds of heap that keep every promise, and the parameters that make them. */
const CONFORMING = [
	{ name: 'single pages, mapped at once', parameters: [] },
	{ name: 'scattered pages, mapped as they are touched', parameters: ['scattered=1', 'fault=1'] },
	{ name: 'one block, mapped at once', parameters: ['contiguous=1'] },
	{ name: 'one block, mapped as it is touched', parameters: ['contiguous=1', 'fault=1'] },
];

const options = minimist(process.argv.slice(2), {
	string: ['kernel', 'arch', '_'],
	boolean: ['all-cases', 'mutants-only', 'list'],
});
const say = (text) => process.stdout.write(`${text}\n`);
const note = (text) => process.stderr.write(`${text}\n`);
const listed = (value, usual) => (value === undefined ? usual : [value].flat());

let interrupted = false;
process.on('SIGINT', () => {
	// fencepost gets it as well, and ends by itself.
	interrupted = true;
});

/** Runs cases, all where none are named, on the heap made with these parameters. */
async function runHeap({ kernel, arch }, name, parameters, cases, more = []) {
	const out = join(RECORDS, `${kernel.replace(/\W+/g, '-')}-${arch}`, name);
	rmSync(out, { recursive: true, force: true });
	const words = [
		...['--kernel', kernel, '--arch', arch, '--out', out, '--module', join(root, HEAP_MODULE)],
		...parameters.flatMap((parameter) => ['--module-parameter', `mutant_heap.${parameter}`]),
		...['--reporter', `terminal=${join(RECORDS, 'last.txt')}`],
		...EVERY_CLASS_GATES,
		...cases.flatMap((id) => ['--case', id]),
		...more,
	];
	const started = performance.now();
	const { exitCode, stderr } = await $({ stdio: ['ignore', 'pipe', 'pipe'] })`${fencepost} run ${words}`
		.nothrow()
		.quiet();
	const seconds = (performance.now() - started) / 1000;
	try {
		return { results: JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).results, seconds };
	} catch {
		return { results: [], seconds, problem: `fencepost run ended with ${exitCode}: ${stderr.trim().slice(-600)}` };
	}
}

const count = (results, verdict) => results.filter((result) => result.verdict === verdict).length;

/** The heaps that keep every promise, each against every case. */
async function runConforming(place) {
	const outcomes = [];
	for (const { name, parameters } of CONFORMING) {
		if (interrupted) break;
		const { results, seconds, problem } = await runHeap(place, parameters.join('-') || 'conforming', parameters, []);
		const bad = results.filter(({ verdict }) => !['pass', 'skip', 'xfail'].includes(verdict));
		const good = problem === undefined && bad.length === 0 && count(results, 'pass') > 0;
		outcomes.push({ name, parameters, passed: count(results, 'pass'), skipped: count(results, 'skip'), good });
		say(`${good ? 'conforms' : 'DOES NOT CONFORM'}: ${name}: ${count(results, 'pass')} pass, ${seconds.toFixed(0)} s`);
		for (const one of bad) say(`    ${one.case}: ${one.verdict}: ${one.reason.slice(0, 300)}`);
		if (problem) say(`    ${problem}`);
	}
	return outcomes;
}

/** What a heap with a bug was seen to do: which cases failed, and why the others say nothing of it. */
async function look({ kernel, arch }, { number, profile, machine }, cases) {
	const place = { kernel: profile ? `${kernel},profile=${profile}` : kernel, arch };
	const more = ['--no-second-look', ...(machine ? ['--machine', machine] : [])];
	const { results, seconds, problem } = await runHeap(place, number, [`mutant=${number}`], cases, more);
	const killers = results
		.filter(({ case: id, verdict }) => KILLED.has(verdict) && !/[.](build|load)$/.test(id))
		.map(({ case: id, verdict }) => ({ case: id, verdict }));
	const others = results.filter(({ case: id, verdict }) => !KILLED.has(verdict) && !id.startsWith('module.'));
	const why =
		problem ??
		others
			.map((one) => `${one.case}: ${one.verdict} ${one.reason}`)
			.join('; ')
			.slice(0, 400);
	return { killers, seconds, why };
}

/**
 * Killed when a case that must notice it has failed, crashed or timed out, and each of those that must as well; the others
 * are run only when the first has not.
 */
async function runMutant(place, mutant) {
	const [first, ...rest] = mutant.cases;
	const looks = [await look(place, mutant, options['all-cases'] ? [] : [first, ...mutant.also])];
	const noticed = (id) => looks.some(({ killers }) => killers.some((one) => one.case === id));
	const isKilled = () => mutant.cases.some(noticed) && mutant.also.every(noticed);
	if (!isKilled() && !options['all-cases'] && rest.length > 0) looks.push(await look(place, mutant, rest));
	const killed = isKilled();
	const killers = looks.flatMap((one) => one.killers);
	const seconds = looks.reduce((sum, one) => sum + one.seconds, 0);
	const why = killed ? undefined : looks.map((one) => one.why).join('; ');
	const head = `${killed ? 'killed  ' : 'SURVIVED'} ${mutant.number} ${seconds.toFixed(1).padStart(5)} s  ${mutant.wrong}`;
	const told = killers.map(({ case: id, verdict }) => (verdict === 'fail' ? id : `${id} (${verdict})`)).join(', ');
	say(`${head}: ${told}${killed ? '' : ` ${why}`}`);
	return { number: mutant.number, killed, killers, seconds, why };
}

async function runPlace(place, mutants) {
	say(`# ${place.kernel} ${place.arch}`);
	const file = join(RECORDS, `${place.kernel.replace(/\W+/g, '-')}-${place.arch}.json`);
	const conforming = options['mutants-only'] ? [] : await runConforming(place);
	const outcomes = [];
	for (const mutant of mutants) {
		if (interrupted) break;
		const release = parseRelease(place.release);
		if (!release || inRange(release, mutant)) outcomes.push(await runMutant(place, mutant));
	}
	const killed = outcomes.filter((outcome) => outcome.killed).length;
	const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
	say(
		`${place.kernel} ${place.arch}: killed ${killed} of ${outcomes.length}, ${(seconds / outcomes.length).toFixed(1)} s each`,
	);
	const whole = !interrupted && mutants.length === readHeapMutants(root).length && !options['mutants-only'];
	if (whole && !options['all-cases']) {
		const date = new Date().toISOString().slice(0, 10);
		writeFileSync(file, JSON.stringify({ ...place, date, conforming, outcomes }));
	}
	return killed === outcomes.length && conforming.every(({ good }) => good);
}

/** What the kernel is, built when it is not there: which mutants can be seen on it depends on that. */
async function releaseOf(kernel, arch) {
	const stdio = ['ignore', 'pipe', 'inherit'];
	const { stdout } = await $({ stdio })`${fencepost} kernel build ${kernel} --arch ${arch}`.quiet();
	return /: (\d+[.]\d+\S*): \//.exec(stdout)?.[1] ?? '';
}

const asked = options._.map(String);
const all = readHeapMutants(root);
const unknown = asked.filter((number) => !all.some((mutant) => mutant.number === number));
if (unknown.length > 0) {
	note(`heap-mutants: there is no ${unknown.join(', ')}; --list shows what there is`);
	process.exitCode = 2;
} else if (options.list) {
	for (const { number, wrong, cases, also } of all) say(`${number}: ${wrong}\n    ${[...cases, ...also].join(', ')}`);
} else {
	const mutants = asked.length === 0 ? all : all.filter(({ number }) => asked.includes(number));
	mkdirSync(RECORDS, { recursive: true });
	let good = true;
	for (const kernel of listed(options.kernel, ['source:6.12'])) {
		for (const arch of listed(options.arch, ['x86_64', 'arm64'])) {
			if (interrupted) break;
			const release = await releaseOf(kernel, arch);
			good = (await runPlace({ kernel, arch, release }, mutants)) && good;
		}
	}
	const records = readRecords(RECORDS);
	if (asked.length === 0 && records.length > 0) {
		writeFileSync(PAGE, heapMutantsPage(all, records));
		note(`wrote ${relative(process.cwd(), PAGE)}`);
	}
	process.exitCode = interrupted ? 130 : good ? 0 : 1;
}
