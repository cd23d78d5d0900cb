// SPDX-License-Identifier: MIT
import t from 'tap';
import { CONSTRAINTS_SUITE, heapsTable, measuredHeaps } from '../../src/cli/heaps-table.js';
import type { CaseResult } from '../../src/results/events.js';

function result(subject: string, name: string, notes: readonly string[], more: Partial<CaseResult> = {}): CaseResult {
	return {
		case: `constraints.${name}`,
		suite: CONSTRAINTS_SUITE,
		...{ subject, kernel: 'source:6.12', release: '6.12.117', arch: 'arm64', machine: 'far' },
		...{ verdict: 'pass', durationMs: 1, attempts: 1, reason: '', console: '' },
		diagnostics: notes.map((text) => ['note', text] as const),
		...more,
	};
}

t.test('facts of a suite become a table, and what is missing says why', async (t) => {
	const results = [
		result('system', 'contiguous', ['fact highest=0x13fffffff', 'fact alignment=4096', 'fact shortest-piece=4096'], {
			verdict: 'skip',
			reason: 'no: a buffer is up to 3 pieces',
		}),
		result('system', 'contiguous', ['fact longest-piece=1048576', 'fact contiguous=no']),
		result('reserved', 'contiguous', ['fact shortest-piece=4096', 'fact longest-piece=4096', 'fact contiguous=yes']),
		result('system', 'reach-32-bits', ['fact device-32=bounced']),
		result('system', 'zeroed', ['fact zeroed=perhaps', 'zeroed=yes', 'some words']),
		result('system', 'untouched', [], { verdict: 'miss', reason: 'needs device: it does not build' }),
		result('system', 'programs', ['fact programs=yes']),
		{ ...result('system', 'kernel', ['fact kernel=yes']), suite: 'other' },
	];
	const [reserved, system] = measuredHeaps(results);
	t.match(system, { heap: 'system', contiguous: false, alignment: 4096, device32: 'bounced', programs: true });
	t.same([system?.zeroed, system?.kernelMapping, reserved?.highest], [undefined, undefined, undefined]);
	t.equal(
		heapsTable(measuredHeaps(results)),
		`source:6.12 arm64 far  6.12.117
  heap      contiguous  pieces          aligned  highest      32 bits  zeroed  programs  cached  kernel  devices
  reserved  yes         4 KiB           ?        ?            ?        ?       ?         ?       ?       ?
  system    no          4 KiB to 1 MiB  4 KiB    0x13fffffff  bounced  ?       yes       ?       ?       ?
  system: constraints.untouched: miss: needs device: it does not build
`,
	);
	t.equal(heapsTable([]), '');
});
