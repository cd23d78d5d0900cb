// SPDX-License-Identifier: MIT
// docs/mutants.md: which mutants there are, and what was seen to kill them.

import { DEFAULT_PROFILE } from '../harness/dist/src/core/selector.js';
import { DEFAULT_KERNEL, DEFAULT_MACHINE, kernelPart } from './mutant-patches.mjs';

const cell = (text) => text.replaceAll('|', '\\|');

function killers(outcome, today) {
	if (outcome.problem) return `**${cell(outcome.problem)}**`;
	const named = outcome.results
		.filter((result) => result.killed)
		.map(({ case: id, subject, verdict }) => `\`${id}\` ${subject}${verdict === 'fail' ? '' : ` (${verdict})`}`);
	const { machine, profile } = outcome.mutant;
	const where = [
		...(machine === DEFAULT_MACHINE ? [] : [`machine ${machine}`]),
		...(profile === DEFAULT_PROFILE ? [] : [`${profile} kernel`]),
		...(outcome.date === today ? [] : [`seen on ${outcome.date}`]),
	].join(', ');
	return `${[...new Set(named)].join(', ')}${where && ` (${where})`}`;
}

/** Subjects that a case passed on without a mutant and was never seen to fail on. */
function unseenSubjects(id, runs, by) {
	const seen = by.flatMap(({ results }) => results.filter((result) => result.case === id && result.killed));
	return runs
		.filter(({ verdict, subject }) => verdict === 'pass' && !seen.some((result) => result.subject === subject))
		.map(({ subject }) => subject);
}

/** Each case with the mutants that it was expected to fail on and did. */
function caseRows(baseline, outcomes) {
	const ids = [...new Set(baseline.map((result) => result.case))];
	return ids.map((id) => {
		const by = outcomes.filter(({ mutant, killed }) => killed && mutant.expected.includes(id));
		const runs = baseline.filter((result) => result.case === id);
		const unseen = unseenSubjects(id, runs, by);
		const names = by.map(({ mutant }) => `\`${mutant.name}\``).join(', ');
		const found = unseen.length > 0 ? `${names}; not on ${unseen.join(', ')}` : names;
		const idle = by.length > 0 ? undefined : needsNone(runs);
		return { id, by, idle, text: by.length > 0 ? found : (idle ?? '**nothing**') };
	});
}

/** Why no mutant can tell anything of a case here; undefined when one could. */
function needsNone(runs) {
	if (runs.every(({ verdict }) => verdict === 'skip')) return `skipped here: ${runs[0].reason}`;
	const known = runs.find(({ verdict }) => verdict === 'xfail');
	return known && `fails without one, as is known: ${known.reason}`;
}

/** Cases that ran and that no mutant has killed. */
export function unkilledCases(baseline, outcomes) {
	return caseRows(baseline, outcomes)
		.filter(({ by, idle }) => by.length === 0 && !idle)
		.map(({ id }) => id);
}

function introduction() {
	return [
		'# Mutants',
		'',
		'A case that nothing can make fail says nothing when it passes. So each case is run on kernels with a bug that breaks',
		'its promise: the mutants, small patches in `kernels/mutants/` against the source of the kernel named below. The first',
		'lines of a patch say what it breaks, which cases must fail on it, and what they are run against.',
		'',
		'    npm run mutants                        all of them, and this page anew (about 6 s each; the first build takes minutes)',
		'    npm run mutants -- --fresh             the same, and nothing is taken from an earlier run',
		'    npm run mutants -- "cma-heap-*"        some of them; this page stays as it is',
		'    npm run mutants -- --all-cases NAME    every case on a mutant, to see all that notice it',
		'    npm run mutants -- --arch arm64        another architecture, whose page stays in runs/',
		'    npm run mutants -- --kernel source:5.10    what only an older kernel has: [mutants of 5.10](mutants-5.10.md)',
		'    npm run mutants -- --list              only what they are',
		'',
		'First every case is run on the kernel without a patch: what fails there proves nothing here. Then a mutant counts as',
		'killed when each case that it names has failed, crashed or timed out on every subject that it ran against (a case of the',
		'suite `constraints`, which only answers, also when its yes has become a no). That is kept,',
		'and not run again, until the patch, the kernel, the machine, the agent or the suites of those cases change. A change to',
		'the harness is not among these: after one that could alter verdicts, run with --fresh.',
		'',
		'To add one: write the patch (`diff -u` with a/ and b/, no fuzz), put the three lines and `---` before it, run it by name.',
		'A line `Kernel: source:VERSION` after them is for a patch against another kernel, which is run on that one alone;',
		'a line `Machine: NAME` for what shows on another machine than the default one, a line `Profile: debug` for',
		'what shows on a kernel that is built by another profile. A patch of `guest/modules/device` breaks the module that plays',
		'devices, and is run on the kernel without a mutant: for what the module promises, and for the controls, which fail where',
		'devices are played in a way that shows nothing.',
	];
}

/** Of the page about mutants of a kernel that is not the usual one. */
function introductionOf(kernel) {
	const version = kernelPart(kernel);
	return [
		`# Mutants of ${version}`,
		'',
		`What [mutants](mutants.md) are to later kernels these are to what only ${version} has: patches in \`kernels/mutants/\` with`,
		`a line \`Kernel: ${kernel}\`. The cases below are those that they name, and all that later kernels skip.`,
		'',
		`    npm run mutants -- --kernel ${kernel}`,
	];
}

/** @param facts `date` (ISO, day), `kernel` as selected, `release`, `arch`, `baseline` results, `outcomes` of all mutants. */
export function mutantsPage({ date, kernel, release, arch, baseline, outcomes }) {
	const killed = outcomes.filter((outcome) => outcome.killed).length;
	const rows = caseRows(baseline, outcomes);
	const proven = rows.filter(({ by }) => by.length > 0).length;
	const idle = rows.filter(({ by, idle }) => by.length === 0 && idle);
	return `${[
		...(outcomes.every(({ mutant }) => mutant.kernel === DEFAULT_KERNEL) ? introduction() : introductionOf(kernel)),
		'',
		`Seen on ${date}, Linux ${release}, ${arch}: ${killed} of ${outcomes.length} mutants killed, ${proven} of ${rows.length} cases` +
			` seen to fail, ${idle.length} skipped there or known to fail.`,
		'',
		'## Each mutant',
		'',
		'| mutant | what it breaks | killed by |',
		'|---|---|---|',
		...outcomes.map(
			(outcome) => `| \`${outcome.mutant.name}\` | ${cell(outcome.mutant.breaks)} | ${killers(outcome, date)} |`,
		),
		'',
		'## Each case',
		'',
		'| case | seen to fail on |',
		'|---|---|',
		...rows.map(({ id, text }) => `| \`${id}\` | ${cell(text)} |`),
	].join('\n')}\n`;
}
