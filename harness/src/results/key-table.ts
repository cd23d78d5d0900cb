// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';

/** Words of a slot: 128 bits of the key's hash, and the value. */
const SLOT = 5;
const FIRST_SLOTS = 256;

/** A name made of several, as 128 bits: what differs in any part differs. */
export function keyHash(parts: readonly string[]): Uint32Array {
	const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
	return Uint32Array.from([0, 4, 8, 12], (offset) => digest.readUInt32LE(offset));
}

/**
 * Small numbers by key, for hundreds of thousands of keys: 20 bytes a slot, at most two thirds of them used, none of
 * it on the heap. Keys themselves are not kept. A value is from 1 to 2³²-1; 0 stands for none.
 */
export class KeyTable {
	private slots = new Uint32Array(FIRST_SLOTS * SLOT);
	private used = 0;

	get(hash: Uint32Array): number {
		return this.slots[this.find(hash) + 4] ?? 0;
	}

	set(hash: Uint32Array, value: number): void {
		if ((this.used + 1) * 3 > (this.slots.length / SLOT) * 2) this.grow();
		const at = this.find(hash);
		if (this.slots[at + 4] === 0) this.used++;
		this.slots.set(hash, at);
		this.slots[at + 4] = value;
	}

	/** Replaces every value there is; what becomes 0 would lose its place, so it must not. */
	replaceValues(replace: (value: number) => number): void {
		for (let at = 4; at < this.slots.length; at += SLOT) {
			const value = this.slots[at] ?? 0;
			if (value !== 0) this.slots[at] = replace(value);
		}
	}

	/** Where a key is, or the free slot it would take: open addressing, the next one when one is taken. */
	private find(hash: Uint32Array): number {
		const { slots } = this;
		const [a, b, c, d] = [hash[0] ?? 0, hash[1], hash[2], hash[3]];
		const count = slots.length / SLOT;
		for (let slot = a % count; ; slot = (slot + 1) % count) {
			const at = slot * SLOT;
			if (slots[at + 4] === 0) return at;
			if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d) return at;
		}
	}

	private grow(): void {
		const old = this.slots;
		this.slots = new Uint32Array(old.length * 2);
		for (let at = 0; at < old.length; at += SLOT) {
			if (old[at + 4] !== 0) this.slots.set(old.subarray(at, at + SLOT), this.find(old.subarray(at, at + 4)));
		}
	}
}
