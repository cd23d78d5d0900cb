// SPDX-License-Identifier: MIT
import type { GuestAccounts } from '../machine.js';
import { protocolError } from './frame.js';
import { decodePairs } from './payload.js';

const CMA = 'cma.';

/**
 * ACCOUNTS: `key=value` lines (docs/protocol.md), all values numbers. Keys that are not known are passed over, so that
 * a newer agent may say more. @throws FencepostError AGENT_PROTOCOL on a line or number that is none.
 */
export function decodeAccounts(payload: Buffer): GuestAccounts {
	const numbers = new Map<string, number>();
	for (const [key, value] of decodePairs('ACCOUNTS', payload)) {
		if (!/^\d{1,15}$/.test(value))
			throw protocolError(`an ACCOUNTS frame with ${key} "${value.slice(0, 80)}"`, payload);
		numbers.set(key, Number(value));
	}
	const [count, bytes] = [numbers.get('dmabufs'), numbers.get('dmabuf_bytes')];
	const areas = [...numbers].filter(([key]) => key.startsWith(CMA));
	return {
		dmaBufs: count === undefined || bytes === undefined ? undefined : { count, bytes },
		dmaBufsLocked: numbers.get('dmabufs_locked') === 1,
		cmaUsedPages: new Map(areas.map(([key, pages]) => [key.slice(CMA.length), pages])),
		cmaUsedKiB: Math.max(0, (numbers.get('cma_total_kib') ?? 0) - (numbers.get('cma_free_kib') ?? 0)),
		memory: memoryOf(numbers),
		tainted: numbers.get('tainted'),
	};
}

function memoryOf(numbers: ReadonlyMap<string, number>): GuestAccounts['memory'] {
	const total = numbers.get('mem_total_kib');
	if (total === undefined) return undefined;
	const kib = (key: string) => numbers.get(key) ?? 0;
	return {
		totalKiB: total,
		availableKiB: kib('mem_available_kib'),
		freeKiB: kib('mem_free_kib'),
		slabUnreclaimableKiB: kib('slab_unreclaimable_kib'),
		shmemKiB: kib('shmem_kib'),
	};
}
