// SPDX-License-Identifier: MIT
// Runs the suites on kernels that are broken on purpose, and tells which cases notice: docs/mutants.md says how and why.
//   npm run mutants [-- NAME-OR-GLOB...] [--arch x86_64] [--kernel source:6.12] [--all-cases] [--list]
// Exit code: 0 when all are killed and, of a whole run, no case is left that nothing has killed; 1 when not.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, argv } from 'zx';
import { Cache } from '../harness/dist/src/core/cache.js';
import { matchesAny } from '../harness/dist/src/core/glob.js';
import { withLock } from '../harness/dist/src/core/lock.js';
import { mutantsPage, unkilledCases } from './mutant-page.mjs';
import { readMutants } from './mutant-patches.mjs';
import { MutantTree } from './mutant-tree.mjs';

$.verbose = false;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fencepost = [process.execPath, join(root, 'harness/dist/src/cli/main.js')];
const PAGE = join(root, 'docs/mutants.md');
/** What a mutant dies of. A miss is not among them: then nothing was judged. */
const KILLED = new Set(['fail', 'crash', 'timeout']);

const arch = argv.arch ?? 'x86_64';
const kernel = argv.kernel ?? 'source:6.12';
const cache = new Cache();
const say = (text) => process.stdout.write(`${text}\n`);
const note = (text) => process.stderr.write(`${text}\n`);

let interrupted = false;
process.on('SIGINT', () => {
	// fencepost gets it as well, and ends by itself; the tree is put back after it.
	interrupted = true;
});

function chooseMutants() {
	const mutants = readMutants(root);
	const globs = argv._.map(String);
	const chosen = globs.length === 0 ? mutants : mutants.filter(({ name }) => matchesAny(name, globs));
	for (const glob of globs) {
		if (mutants.some(({ name }) => matchesAny(name, [glob]))) continue;
		note(`mutants: "${glob}" matches none; --list shows what there is`);
		process.exit(2);
	}
	return { chosen, whole: globs.length === 0 };
}

const runs = join(root, 'runs', `mutants-${arch}`);

/** Runs cases on the tree as it is now. @returns {Promise<{ results: object[], seconds: number, problem?: string }>} */
async function runCases(tree, name, cases, subject) {
	const out = join(runs, name);
	rmSync(out, { recursive: true, force: true });
	const options = [
		...[
			'--kernel',
			`tree:${tree.path}`,
			'--arch',
			arch,
			'--out',
			out,
			'--reporter',
			`terminal=${join(runs, `${name}.txt`)}`,
		],
		...cases.flatMap((id) => ['--case', id]),
		...(subject === undefined ? [] : ['--subject', subject]),
	];
	const started = performance.now();
	// The status of build and guest is for people who watch; elsewhere only what went wrong is of interest.
	const stdio = ['ignore', 'pipe', process.stderr.isTTY ? 'inherit' : 'pipe'];
	const { exitCode, stderr } = await $({ stdio })`${fencepost} run ${options}`.nothrow().quiet();
	const seconds = (performance.now() - started) / 1000;
	await forgetKernel(out);
	try {
		return { results: JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).results, seconds };
	} catch {
		return { results: [], seconds, problem: `fencepost run ended with ${exitCode}: ${stderr.trim().slice(-600)}` };
	}
}

/** A mutant's kernel is of no use to anyone after its run. */
async function forgetKernel(out) {
	let text;
	try {
		text = readFileSync(join(out, 'events.jsonl'), 'utf8');
	} catch {
		return;
	}
	for (const line of text.split('\n')) {
		const event = line.includes('"kernel-ready"') ? JSON.parse(line) : undefined;
		if (event?.type === 'kernel-ready') await cache.remove('kernels', event.id);
	}
}

/** What came of a mutant: killed when each case that it names has failed on every subject that it ran against. */
function judge(mutant, { results, seconds, problem }, sound) {
	const judged = results.map((result) => ({ ...result, killed: KILLED.has(result.verdict) }));
	// What stands for the cases that could not run: the kernel does not build, the guest does not boot.
	const miss = results.find(({ case: id, verdict }) => verdict === 'miss' && !mutant.expected.includes(id));
	const notBuilt = miss ? ` (${miss.case}: ${miss.reason})` : '';
	const survivors = mutant.expected.flatMap((id) => {
		const own = judged.filter((result) => result.case === id && result.verdict !== 'skip');
		if (own.length === 0) return [`${id} did not run${notBuilt}`];
		const unsound = own.filter((result) => !sound.has(`${id} ${result.subject}`));
		if (unsound.length > 0) return [`${id} does not pass without the mutant either`];
		return own.filter((result) => !result.killed).map((result) => `${id} ${result.subject}: ${result.verdict}`);
	});
	const wrong = problem ?? (survivors.length > 0 ? survivors.join(', ') : undefined);
	return { mutant, seconds, results: judged, killed: wrong === undefined, problem: wrong };
}

function tell(outcome, index, count) {
	const place = `${String(index + 1).padStart(String(count).length)}/${count}`;
	const head = `${outcome.killed ? 'killed  ' : 'SURVIVED'} ${place} ${outcome.seconds.toFixed(0).padStart(4)} s  ${outcome.mutant.name}`;
	const by = outcome.results
		.filter((result) => result.killed)
		.map(({ case: id, subject, verdict }) => `${id} ${subject}${verdict === 'fail' ? '' : ` ${verdict}`}`);
	say(outcome.killed ? `${head.padEnd(62)} ${by.join(', ')}` : `${head}: ${outcome.problem}`);
}

async function runMutants({ chosen, whole }) {
	const tree = new MutantTree(cache.workPath('mutants'));
	await cache.touch('mutants');
	const { stdout } = await $({
		stdio: ['ignore', 'pipe', 'inherit'],
	})`${fencepost} kernel fetch ${kernel} --arch ${arch}`;
	await tree.prepare(/: (\/\S+[.]deb)$/m.exec(stdout)[1], note);
	const touched = new Set(readMutants(root).flatMap(({ touches }) => touches));
	tree.restore(touched);
	mkdirSync(runs, { recursive: true });

	note('without a mutant (the first build takes minutes)');
	const wanted = [...new Set(chosen.flatMap(({ expected }) => expected))];
	const baseline = await runCases(tree, 'none', whole || argv.allCases ? [] : wanted, undefined);
	if (baseline.problem) throw new Error(`without a mutant: ${baseline.problem}`);
	const sound = new Set();
	for (const { case: id, subject, verdict, reason } of baseline.results) {
		if (verdict === 'pass') sound.add(`${id} ${subject}`);
		else if (verdict !== 'skip') note(`without a mutant: ${id} ${subject}: ${verdict}: ${reason}`);
	}

	const outcomes = [];
	for (const mutant of chosen) {
		if (interrupted) break;
		const refused = await tree.apply(mutant.file);
		const cases = argv.allCases ? [] : mutant.expected;
		const ran = refused
			? { results: [], seconds: 0, problem: `does not apply: ${refused}` }
			: await runCases(tree, mutant.name, cases, mutant.subject);
		tree.restore(touched);
		if (interrupted) break;
		outcomes.push(judge(mutant, ran, sound));
		tell(outcomes.at(-1), outcomes.length - 1, chosen.length);
	}
	return { baseline: baseline.results, outcomes };
}

if (!/^source:/.test(kernel) || !['x86_64', 'arm64'].includes(arch)) {
	note(`mutants: --kernel ${kernel} --arch ${arch}: accepted are source:VERSION, and x86_64 or arm64`);
	process.exit(2);
}
const choice = chooseMutants();
if (argv.list) {
	for (const { name, breaks, expected } of choice.chosen) say(`${name}: ${breaks}\n    ${expected.join(', ')}`);
} else {
	const { baseline, outcomes } = await withLock(
		cache.workPath('locks', 'mutants'),
		() => runMutants(choice),
		undefined,
		() => note('waiting for another run of the mutants'),
	);
	const killed = outcomes.filter((outcome) => outcome.killed).length;
	const unkilled = choice.whole && !interrupted ? unkilledCases(baseline, outcomes) : [];
	if (choice.whole && !interrupted) {
		const date = new Date().toISOString().slice(0, 10);
		writeFileSync(PAGE, mutantsPage({ date, release: baseline[0].release, arch, baseline, outcomes }));
		note(`wrote ${relative(process.cwd(), PAGE)}; consoles and results are in ${relative(process.cwd(), runs)}`);
		for (const id of unkilled) say(`nothing has killed ${id}`);
	}
	say(`killed ${killed} of ${choice.chosen.length}`);
	process.exitCode = interrupted ? 130 : killed === choice.chosen.length && unkilled.length === 0 ? 0 : 1;
}
