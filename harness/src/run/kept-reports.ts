// SPDX-License-Identifier: MIT
import type { AttributedSplat } from '../verdict/verdict.js';

/** Reports of one kind in one case that are kept whole; they say the same. */
const ALIKE = 8;
/** Reports kept in all. */
const MOST = 1000;

/**
 * The kernel's reports of one program, a bounded number: a guest may report without end. Of those that are alike the
 * first are kept. How many were not is one more report, so that they count: of their case, where all were of one.
 */
export class KeptReports {
	private kept: AttributedSplat[] = [];
	private readonly alike = new Map<string, number>();
	private more = 0;
	private last: AttributedSplat | undefined;
	/** Cases of those that were not kept. */
	private readonly cases = new Set<string | undefined>();

	add(splat: AttributedSplat): void {
		const key = `${splat.kind} ${splat.case ?? ''}`;
		const before = this.alike.get(key) ?? 0;
		if (before >= ALIKE || this.kept.length >= MOST) {
			this.more++;
			this.last = splat;
			if (this.cases.size < 2) this.cases.add(splat.case);
			return;
		}
		this.alike.set(key, before + 1);
		this.kept.push(splat);
	}

	/** All of them since the last call. */
	take(): AttributedSplat[] {
		const { kept, more, last } = this;
		const only = this.cases.size === 1 ? last?.case : undefined;
		this.kept = [];
		this.alike.clear();
		this.cases.clear();
		this.more = 0;
		this.last = undefined;
		if (!last) return kept;
		const title = `${more} more kernel reports, the last of them: ${last.title}`;
		return [...kept, { ...last, title, case: only }];
	}
}
