// SPDX-License-Identifier: MIT
// docs/coverage.md: which lines of drivers/dma-buf run.

import { together } from './gcov-counts.mjs';

function share(counts = new Map()) {
	if (counts.size === 0) return '-';
	const run = [...counts.values()].filter((count) => count > 0).length;
	return `${((100 * run) / counts.size).toFixed(1)} %`;
}

/** How the cases of a run came out, in words. */
function outcome(cases) {
	const counts = new Map();
	for (const { verdict } of cases) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
	return [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
}

/** @returns {string} the page. `runs` are: our suites, the selftests, the in-kernel tests. */
export function coveragePage({ date, release, arch, modules, runs }) {
	const [suites, selftests, inKernel] = runs;
	const columns = [suites.alone, suites.files, selftests.files, together(selftests.files, inKernel.files)];
	const names = [...suites.files.keys()].sort();
	const rows = names.map((name) => {
		const cells = columns.flatMap((files) => {
			const file = files.get(name);
			return [share(file?.lines), share(file?.branches)];
		});
		return `| ${suites.files.get(name).path} | ${cells.join(' | ')} |`;
	});
	return `# Coverage

Which lines and branches of the kernel's drivers/dma-buf run while our suites do, and beside it what the kernel's own
tests reach: the selftests dmabuf-heaps, udmabuf and sync, built from the same source and run as foreign programs, then
these and the in-kernel tests together (${modules.join(', ') || 'this kernel has none'}). Lines that run at boot count in each column.

Of our suites, the first columns leave out those that go through the project's own device module (importer, bounce,
pipeline and others). There, attaching, mapping and kernel mappings have one caller, which is the kernel's own: its
virtual display, vkms (suite display). Beyond programs' reach in dma-heap.c are the refusals of dma_heap_add(), which
drivers call.

    npm run coverage                                  this page; the first time a kernel is built with gcov
    npm run coverage -- --kernel source:newest        another kernel, or --arch arm64: the table is printed only
    npm run coverage -- --missed udmabuf.c            also the lines that our suites do not reach

A line that runs is not yet a promise that is checked: that is what [mutants](mutants.md) are for.

Seen on ${date}, Linux ${release}, ${arch}. Suites: ${outcome(suites.cases)}. Selftests: ${outcome(selftests.cases)}.
In-kernel tests: ${outcome(inKernel.cases)}.

| file | user space alone: lines | branches | with our devices: lines | branches | selftests: lines | branches | selftests and in-kernel tests: lines | branches |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
