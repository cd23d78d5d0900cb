// SPDX-License-Identifier: MIT
// docs/heap-mutants.md: what a heap can do wrong, and what was seen to notice it, on which kernels.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const cell = (text) => text.replaceAll('|', '\\|');
const place = ({ release, arch }) => `${release} ${arch}`;

/** What whole runs have recorded, the newest kernel last. */
export function readRecords(folder) {
	return readdirSync(folder)
		.filter((name) => name.endsWith('.json'))
		.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
		.sort((a, b) => a.release.localeCompare(b.release, 'en', { numeric: true }) || a.arch.localeCompare(b.arch));
}

function killersCell(outcome) {
	if (!outcome) return 'not to be seen';
	if (!outcome.killed) return `**${cell(outcome.why || 'survived')}**`;
	return outcome.killers
		.map(({ case: id, verdict }) => `\`${id}\`${verdict === 'fail' ? '' : ` (${verdict})`}`)
		.join(', ');
}

/** A mutant's row: what killed it, told once where kernels agree. */
function row({ number, wrong }, records) {
	const cells = new Map();
	for (const record of records) {
		const text = killersCell(record.outcomes.find((outcome) => outcome.number === number));
		cells.set(text, [...(cells.get(text) ?? []), place(record)]);
	}
	const [only] = cells.keys();
	const text =
		cells.size === 1 ? only : [...cells].map(([killers, places]) => `${places.join(', ')}: ${killers}`).join('<br>');
	return `| ${number} | ${cell(wrong)} | ${text} |`;
}

export function heapMutantsPage(mutants, records) {
	return `${[
		'# Mutants of a heap',
		'',
		'`guest/modules/mutant_heap` is a heap as a vendor would write one. Loaded as it is, it keeps every promise; loaded with',
		'`mutant=M01` it breaks the one that the mutant of this number stands for. Each mutant is a mistake that a driver’s author',
		'might make, at the place where he would make it, and the suites must notice it without knowing that it is there.',
		'',
		'    npm run heap-mutants                                  all, on source:6.12 and both architectures; this page anew',
		'    npm run heap-mutants -- --kernel source:7.3 --arch arm64   on another kernel; may be given several times',
		'    npm run heap-mutants -- M12 M38 --all-cases           some, against every case; this page stays as it is',
		'    npm run heap-mutants -- --list                        only what they are, and which cases must notice',
		'    npx fencepost run --kernel source:6.12 --module guest/modules/mutant_heap --module-parameter mutant_heap.mutant=M12',
		'',
		'`mutants.h` there has a line for each mutant, `mutants.yaml` the cases that must notice it: a mutant is killed when the first of them',
		'fails, crashes or times out (or another, where the kernel or the machine lacks what that one needs). Where user space cannot see a mutant on a kernel, its range is in `mutants.yaml`: up to 5.10 the heap',
		'makes the descriptor, later the core does (M18, M19); fences come from user space since 6.1 (M61, M62).',
		'Some take a kernel of the profile `debug` (M30, M49), which is built when it is not there; some take the machine `bounce`,',
		'where devices see of a program’s bytes, and it of theirs, only what was synced (M20 to M27, M29, M32, M35).',
		'',
		'Not here are M04, whose missing flush for devices no machine here shows (docs/device.md); M45, which is a mutant of the CMA heap itself',
		'(`kernels/mutants/cma-heap-beyond-area.patch`), for only that has a region of its own; and M64, a switch of the exporter in',
		'`guest/modules/device`, for no heap’s buffers move. Of M47, a mapping that ends with its first user is a mutant of the core',
		'(`kernels/mutants/dma-buf-vunmap-at-first.patch`): the core counts the users, and asks a heap for the last alone.',
		'',
		'## The heap that breaks nothing',
		'',
		'| kernel | date | made of | passed | skipped |',
		'|---|---|---|---|---|',
		...records.flatMap((record) =>
			record.conforming.map(
				({ name, passed, skipped, good }) =>
					`| ${place(record)} | ${record.date} | ${name} | ${good ? passed : `**${passed}, and some did not**`} | ${skipped} |`,
			),
		),
		'',
		'## The mutants',
		'',
		...records.map(({ outcomes, date, ...where }) => {
			const killed = outcomes.filter((outcome) => outcome.killed).length;
			return `- ${place(where)}, ${date}: ${killed} of ${outcomes.length} killed.`;
		}),
		'',
		'| mutant | what it does wrong | killed by |',
		'|---|---|---|',
		...mutants.map((mutant) => row(mutant, records)),
	].join('\n')}\n`;
}
