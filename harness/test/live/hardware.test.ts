// SPDX-License-Identifier: MIT
// Machines with more than memory and processors: bus masters, bounce buffers, regions in the device tree; and what their heaps serve.
import { join } from 'node:path';
import t from 'tap';
import type { MeasuredHeap } from '../../src/cli/heaps-table.js';
import { ARCHES } from '../../src/core/architectures.js';
import { bad, eventsOf, fencepost, resultsOf } from './host.js';

const KERNEL = 'source:6.12';
/** A build of two kernels from nothing may come first. */
t.setTimeout(45 * 60_000);

t.test('a bus master moves what was synced, in guests that are copies, on both architectures', async (t) => {
	const out = join(t.testdir(), 'run');
	const words = [
		'--kernel',
		KERNEL,
		'--machine',
		'incoherent',
		'--suite',
		'master',
		'--case',
		'bounce.live',
		'--suite',
		'bounce',
	];
	const chosen = [...words, '--case', 'master.*', '--subject', 'system'];
	const { status, stderr } = await fencepost('run', ...chosen, '--isolate', 'case', '--out', out);
	t.equal(status, 0, stderr);
	const { results } = await resultsOf(out);
	t.same(bad(results), []);
	for (const arch of ARCHES) {
		const passed = results.filter((one) => one.arch === arch && one.verdict === 'pass').map((one) => one.case);
		const names = ['killed', 'reads', 'reads-zeros', 'refused', 'writes', 'writes-then-unmap'];
		t.same(passed.sort(), ['bounce.live', ...names.map((name) => `master.${name}`)]);
	}
	t.match(results.find((one) => one.case === 'master.after-unmap')?.reason, /^needs iommu: no IOMMU stands before/);
});

t.test('regions are where they were declared, and the default heap keeps to its own', async (t) => {
	const out = join(t.testdir(), 'run');
	const chosen = ['--arch', 'arm64', '--machine', 'cma-regions', '--case', 'importer.region', '--subject', 'reserved'];
	const { status, stderr } = await fencepost('run', '--kernel', KERNEL, ...chosen, '--out', out);
	t.equal(status, 0, stderr);
	t.match((await resultsOf(out)).results, [{ case: 'importer.region', verdict: 'pass' }]);
	const started = (await eventsOf(out)).find((event) => event.type === 'guest-start');
	t.match(started?.command[0], / -dtb \S*device-trees\S*\/tree\.dtb/);
});

t.test('heaps are told of as they are, not as they are called', async (t) => {
	const machines = ['--machine', 'default', '--machine', 'incoherent'];
	const { status, stdout, stderr } = await fencepost(
		'heaps',
		'--kernel',
		KERNEL,
		'--arch',
		'x86_64',
		...machines,
		'--json',
	);
	t.equal(status, 0, stderr);
	const heaps = JSON.parse(stdout) as MeasuredHeap[];
	const told = (machine: string, heap: string) => heaps.find((one) => one.machine === machine && one.heap === heap);
	const usual = { zeroed: true, programs: true, kernelMapping: true, problems: [] };
	t.match(told('default', 'system'), { ...usual, contiguous: false, device32: 'yes', devicesAlone: true });
	t.match(told('default', 'reserved'), { ...usual, contiguous: true, device32: 'yes', devicesAlone: true });
	t.match(told('incoherent', 'system'), { ...usual, contiguous: false, device32: 'bounced', devicesAlone: false });
	t.match(told('incoherent', 'reserved'), { ...usual, contiguous: true, device32: 'bounced', devicesAlone: false });
	const wrong = await fencepost('heaps', '--machine', 'incoherant');
	t.equal(wrong.status, 2);
	t.match(wrong.stderr, /did you mean incoherent\?/);
});
