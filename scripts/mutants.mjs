// SPDX-License-Identifier: MIT
// Runs the suites on kernels that are broken on purpose, and tells which cases notice: docs/mutants.md says how and why.
//   npm run mutants [-- NAME-OR-GLOB...] [--arch x86_64] [--kernel source:6.12] [--fresh] [--all-cases] [--list]
// Exit code: 0 when all are killed and, of a whole run, no case is left that nothing has killed; 1 when not.
import { writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, argv } from 'zx';
import { Cache } from '../harness/dist/src/core/cache.js';
import { matchesAny } from '../harness/dist/src/core/glob.js';
import { withLock } from '../harness/dist/src/core/lock.js';
import { Progress } from '../harness/dist/src/core/progress.js';
import { DEFAULT_PROFILE } from '../harness/dist/src/core/selector.js';
import { withBuildLock } from '../harness/dist/src/kernel/recipe.js';
import { buildName, MutantCampaign } from './mutant-campaign.mjs';
import { mutantsPage, unkilledCases } from './mutant-page.mjs';
import { DEFAULT_KERNEL, DEFAULT_MACHINE, mutantsOf, namedFor, readMutants } from './mutant-patches.mjs';
import './reader-gone.mjs';

$.verbose = false;
const DEFAULT_ARCH = 'x86_64';
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const arch = argv.arch ?? DEFAULT_ARCH;
const kernel = argv.kernel ?? DEFAULT_KERNEL;
const allCases = Boolean(argv.allCases);
const mutants = mutantsOf(kernel, readMutants(root));
const cache = new Cache();
const runsFolder = join(root, 'runs', namedFor(kernel, 'mutants', arch));
const say = (text) => process.stdout.write(`${text}\n`);
const note = (text) => process.stderr.write(`${text}\n`);

const interrupt = new AbortController();
process.on('SIGINT', () => {
	// fencepost gets it as well, and ends by itself; the tree is put back after it.
	interrupt.abort();
});
const progress = new Progress('mutants', interrupt.signal);

function chooseMutants() {
	const globs = argv._.map(String);
	for (const glob of globs) {
		if (mutants.some(({ name }) => matchesAny(name, [glob]))) continue;
		note(`mutants: "${glob}" matches none; --list shows what there is`);
		process.exit(2);
	}
	return globs.length === 0 ? mutants : mutants.filter(({ name }) => matchesAny(name, globs));
}

function tell(outcome, index, count) {
	const place = `${String(index + 1).padStart(String(count).length)}/${count}`;
	const head = `${outcome.killed ? 'killed  ' : 'SURVIVED'} ${place} ${outcome.seconds.toFixed(0).padStart(4)} s  ${outcome.mutant.name}`;
	const by = outcome.results
		.filter((result) => result.killed)
		.map(({ case: id, subject, verdict }) => `${id} ${subject}${verdict === 'fail' ? '' : ` ${verdict}`}`);
	say(outcome.killed ? `${head.padEnd(62)} ${by.join(', ')}` : `${head}: ${outcome.problem}`);
}

/** Of the usual architecture the project has a page for each kernel with mutants of its own; others stay with their run. */
function pageFile() {
	const own = arch === DEFAULT_ARCH && mutants.every((mutant) => mutant.kernel === kernel);
	return own ? join(root, 'docs', `${namedFor(kernel, 'mutants')}.md`) : join(runsFolder, 'mutants.md');
}

/** Runs mutants of one profile's kernel. @returns {Promise<{ baseline: object[], outcomes: Map<object, object> }>} */
async function runProfile(profile, chosen, whole) {
	note(`building the ${profile} kernel without a mutant (the first time takes minutes)`);
	const facts = {
		allCases,
		arch,
		cache,
		fresh: Boolean(argv.fresh),
		kernel,
		mutants,
		note,
		progress,
		root,
		runsFolder,
		tell,
	};
	const campaign = new MutantCampaign(facts, profile);
	await campaign.prepare();
	let baseline = [];
	for (const machine of new Set([DEFAULT_MACHINE, ...chosen.map((mutant) => mutant.machine)])) {
		const usual = profile === DEFAULT_PROFILE && machine === DEFAULT_MACHINE;
		const older = whole && usual && kernel !== DEFAULT_KERNEL && mutants[0].kernel === kernel;
		const everything = allCases || (whole && usual && !older);
		const named = chosen.flatMap((mutant) => (mutant.machine === machine ? mutant.expected : []));
		const wanted = new Set(older ? [...named, ...campaign.olderCases()] : named);
		if (!everything && wanted.size === 0) continue;
		const results = await campaign.runWithout(machine, everything ? [] : [...wanted]);
		if (usual) baseline = results;
	}
	return { baseline, outcomes: await campaign.runMutants(chosen) };
}

/** What is said of a mutant that a run which was interrupted did not come to. */
function notReached(mutant) {
	const problem = 'not run since it, its cases or the kernel without it changed';
	return { mutant, seconds: 0, results: [], killed: false, problem };
}

/** @returns {Promise<{ baseline: object[], outcomes: object[] }>} outcomes in the order of the mutants. */
async function runMutants(chosen, whole) {
	let baseline = [];
	const outcomes = new Map();
	for (const profile of new Set(chosen.map((mutant) => mutant.profile))) {
		if (interrupt.signal.aborted) break;
		const own = chosen.filter((mutant) => mutant.profile === profile);
		const work = () => runProfile(profile, own, whole);
		const ran = await withBuildLock(buildName(kernel, arch, profile), work, cache, progress);
		if (profile === DEFAULT_PROFILE) baseline = ran.baseline;
		for (const [mutant, outcome] of ran.outcomes) outcomes.set(mutant, outcome);
	}
	return { baseline, outcomes: chosen.map((mutant) => outcomes.get(mutant) ?? notReached(mutant)) };
}

if (!/^source:/.test(kernel) || !['x86_64', 'arm64'].includes(arch)) {
	note(`mutants: --kernel ${kernel} --arch ${arch}: accepted are source:VERSION, and x86_64 or arm64`);
	process.exit(2);
}
const chosen = chooseMutants();
const whole = chosen === mutants;
if (argv.list) {
	for (const { name, breaks, expected } of chosen) say(`${name}: ${breaks}\n    ${expected.join(', ')}`);
} else {
	const { baseline, outcomes } = await withLock(
		cache.workPath('locks', 'mutants'),
		() => runMutants(chosen, whole),
		undefined,
		() => note('waiting for another run of the mutants'),
	);
	const interrupted = interrupt.signal.aborted;
	const killed = outcomes.filter((outcome) => outcome.killed).length;
	// An interrupted run says what is known as well: what it did not reach is not killed.
	const unkilled = whole && baseline.length > 0 ? unkilledCases(baseline, outcomes) : [];
	if (whole && baseline.length > 0) {
		const date = new Date().toISOString().slice(0, 10);
		const page = pageFile();
		writeFileSync(page, mutantsPage({ date, kernel, release: baseline[0].release, arch, baseline, outcomes }));
		note(`wrote ${relative(process.cwd(), page)}; consoles and results are in ${relative(process.cwd(), runsFolder)}`);
	}
	if (!interrupted) for (const id of unkilled) say(`nothing has killed ${id}`);
	say(`killed ${killed} of ${chosen.length}`);
	process.exitCode = interrupted ? 130 : killed === chosen.length && unkilled.length === 0 ? 0 : 1;
}
