// SPDX-License-Identifier: MIT
import { VERDICTS, type Verdict, worse } from '../verdict/verdict.js';
import { KeyTable, keyHash } from './key-table.js';

/** What a run judges once: a case of a suite, against a subject, on a machine that runs a kernel. */
export interface CaseKey extends GroupKey {
	readonly case: string;
}

/** All cases of a suite against a subject. */
export interface GroupKey {
	readonly kernel: string;
	readonly arch: string;
	readonly machine: string;
	readonly suite: string;
	readonly subject: string;
}

/** Bits of a case's value: its worst verdict counted from 1, and whether several results have its key. */
const VERDICT_BITS = 0xff;
const SEVERAL = 0x100;
const DROPPED = 0x200;
/** Bits of a group's value. */
const KNOWN = 1;
const ENDED = 2;
const HAS_MISS = 4;

const verdictOf = (value: number): Verdict | undefined => VERDICTS[(value & VERDICT_BITS) - 1];
const codeOf = (verdict: Verdict): number => VERDICTS.indexOf(verdict) + 1;

/** What a run has recorded, without the results themselves: some 30 bytes a case. */
export class DoneCases {
	private readonly cases = new KeyTable();
	private readonly groups = new KeyTable();
	private count = 0;

	/** Cases that are recorded. */
	get size(): number {
		return this.count;
	}

	has(key: CaseKey): boolean {
		return this.verdict(key) !== undefined;
	}

	/** The verdict recorded for a case; the worst, where a program used one name for several. */
	verdict(key: CaseKey): Verdict | undefined {
		const value = this.cases.get(caseHash(key));
		return value & DROPPED ? undefined : verdictOf(value);
	}

	/** Whether several results have this key. */
	isAmbiguous(key: CaseKey): boolean {
		return (this.cases.get(caseHash(key)) & (SEVERAL | DROPPED)) === SEVERAL;
	}

	/** Whether a group's end is recorded, so that nothing of it is left to be judged. */
	hasGroup(key: GroupKey): boolean {
		return (this.groups.get(groupHash(key)) & ENDED) !== 0;
	}

	add(key: CaseKey, verdict: Verdict): void {
		const hash = caseHash(key);
		const before = this.cases.get(hash);
		const known = before & DROPPED ? undefined : verdictOf(before);
		if (known === undefined) this.count++;
		this.cases.set(hash, known === undefined ? codeOf(verdict) : codeOf(worse(known, verdict)) | SEVERAL);
		if (verdict === 'miss') this.markGroup(key, HAS_MISS);
	}

	replace(key: CaseKey, verdict: Verdict): void {
		this.cases.set(caseHash(key), codeOf(verdict));
		if (verdict === 'miss') this.markGroup(key, HAS_MISS);
	}

	endGroup(key: GroupKey): void {
		this.markGroup(key, ENDED);
	}

	/** Forgets every miss, and that the groups which had one have ended. */
	dropMisses(): void {
		const miss = codeOf('miss');
		this.cases.replaceValues((value) => {
			if ((value & VERDICT_BITS) !== miss || value & DROPPED) return value;
			this.count--;
			return value | DROPPED;
		});
		this.groups.replaceValues((value) => (value & HAS_MISS ? KNOWN : value));
	}

	private markGroup(key: GroupKey, bit: number): void {
		const hash = groupHash(key);
		this.groups.set(hash, this.groups.get(hash) | KNOWN | bit);
	}
}

export function caseHash({ kernel, arch, machine, suite, subject, case: name }: CaseKey): Uint32Array {
	return keyHash([kernel, arch, machine, suite, subject, name]);
}

function groupHash({ kernel, arch, machine, suite, subject }: GroupKey): Uint32Array {
	return keyHash([kernel, arch, machine, suite, subject]);
}
