// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import t from 'tap';
import { findLeaks, type Holdings, watchLeaks } from '../../src/verdict/leaks.js';

const MIB = 1024;
const memory = { totalKiB: 256 * MIB, availableKiB: 230 * MIB, slabUnreclaimableKiB: 3 * MIB, shmemKiB: 1 * MIB };
const before: Holdings = {
	dmaBufs: { count: 1, bytes: 4096 },
	dmaBufsLocked: false,
	cmaUsedPages: new Map([
		['reserved', 32],
		['linux,cma', 0],
	]),
	cmaUsedKiB: 128,
	memory,
};

interface Row {
	readonly what: string;
	readonly before?: Partial<Holdings>;
	readonly after: Partial<Holdings>;
	/** `kind title`. */
	readonly leaks: readonly string[];
}

const available = (missingMiB: number) => ({ ...memory, availableKiB: memory.availableKiB - missingMiB * MIB });

const ROWS: readonly Row[] = [
	{ what: 'nothing', after: {}, leaks: [] },
	{ what: 'one buffer', after: { dmaBufs: { count: 2, bytes: 8192 } }, leaks: ['dma-buf 1 dma-buf still listed'] },
	{
		what: 'more, smaller buffers',
		after: { dmaBufs: { count: 4, bytes: 1024 } },
		leaks: ['dma-buf 3 dma-bufs still listed'],
	},
	{ what: 'fewer buffers', after: { dmaBufs: { count: 0, bytes: 0 } }, leaks: [] },
	{ what: 'no debugfs from the start', before: { dmaBufs: undefined }, after: { dmaBufs: undefined }, leaks: [] },
	{
		what: 'debugfs gone',
		after: { dmaBufs: undefined },
		leaks: ['accounts the list of dma-bufs can no longer be read'],
	},
	{
		what: 'a lock held for good',
		after: { dmaBufs: undefined, dmaBufsLocked: true },
		leaks: ['dma-buf-lock a lock is still held'],
	},
	{
		what: 'a lock held since before',
		before: { dmaBufs: undefined, dmaBufsLocked: true },
		after: { dmaBufs: undefined, dmaBufsLocked: true },
		leaks: [],
	},
	{
		what: 'one page of one CMA area',
		after: {
			cmaUsedPages: new Map([
				['reserved', 33],
				['linux,cma', 0],
			]),
		},
		leaks: ['cma 1 page of the CMA area reserved not back'],
	},
	{
		what: 'a CMA area whose counter is gone',
		after: { cmaUsedPages: new Map([['linux,cma', 16]]) },
		leaks: [
			'accounts the counter of the CMA area reserved can no longer be read',
			'cma 16 pages of the CMA area linux,cma not back',
		],
	},
	{
		what: 'CmaFree alone: other pages live there, so it proves nothing',
		before: { cmaUsedPages: new Map() },
		after: { cmaUsedPages: new Map(), cmaUsedKiB: 14 * MIB, memory: available(14) },
		leaks: [],
	},
	{ what: 'memory that per-CPU lists may keep', after: { memory: available(39) }, leaks: [] },
	{
		what: 'memory that nothing explains',
		after: { memory: available(41) },
		leaks: ['memory 41.0 MiB of memory not back'],
	},
	{
		what: 'memory in files that a program left',
		after: { memory: { ...available(100), shmemKiB: memory.shmemKiB + 64 * MIB } },
		leaks: [],
	},
	{
		what: 'memory in dma-bufs is told of once',
		after: { dmaBufs: { count: 2, bytes: 4096 + 100 * 1024 * 1024 }, memory: available(101) },
		leaks: ['dma-buf 1 dma-buf still listed'],
	},
	{ what: 'slab that any program costs', after: { memory: { ...memory, slabUnreclaimableKiB: 13 * MIB } }, leaks: [] },
	{
		what: 'slab',
		after: { memory: { ...available(60), slabUnreclaimableKiB: 63 * MIB } },
		leaks: ['slab 60.0 MiB of slab not back'],
	},
	{ what: '/proc gone', after: { memory: undefined }, leaks: ['accounts /proc/meminfo can no longer be read'] },
	{ what: 'a board without /proc', before: { memory: undefined }, after: { memory: undefined }, leaks: [] },
];

t.test('what was left behind', async (t) => {
	for (const row of ROWS) {
		const found = findLeaks({ ...before, ...row.before }, { ...before, ...row.after });
		t.strictSame(
			found.map(({ kind, title }) => `${kind} ${title}`),
			row.leaks,
			row.what,
		);
		for (const { detail } of found) t.notMatch(detail, /NaN|undefined|Infinity/, row.what);
	}
	const [leak] = findLeaks(before, { ...before, dmaBufs: { count: 3, bytes: 12288 } });
	t.equal(leak?.detail, 'there was 1 dma-buf (4096 bytes) before, and there are 3 (+8192 bytes) after');
});

const holdings: fc.Arbitrary<Holdings> = fc.record({
	dmaBufs: fc.option(fc.record({ count: fc.nat(), bytes: fc.nat() }), { nil: undefined }),
	dmaBufsLocked: fc.boolean(),
	cmaUsedPages: fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat())).map((areas) => new Map(areas)),
	cmaUsedKiB: fc.nat(),
	memory: fc.option(
		fc.record({
			totalKiB: fc.nat(),
			availableKiB: fc.nat(),
			slabUnreclaimableKiB: fc.nat(),
			shmemKiB: fc.nat(),
		}),
		{ nil: undefined },
	),
});

t.test('nothing changed, nothing left behind', async () => {
	fc.assert(fc.property(holdings, (held) => findLeaks(held, held).length === 0));
	fc.assert(fc.property(holdings, holdings, (a, b) => findLeaks(a, b).length <= 5));
});

t.test('what comes back late is no leak', async (t) => {
	const held = { ...before, dmaBufs: { count: 2, bytes: 8192 } };
	let looks = 0;
	const late = await watchLeaks(before, async () => (++looks < 3 ? held : before));
	t.strictSame([late.leaks, late.after, looks], [[], before, 3]);
	const started = performance.now();
	const { leaks } = await watchLeaks(before, async () => held, 120);
	t.equal(leaks.length, 1);
	t.ok(performance.now() - started >= 110, 'it was looked at for as long as it may take');
});
