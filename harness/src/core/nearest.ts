// SPDX-License-Identifier: MIT

/** Edit distance (Levenshtein), for "did you mean". O(a·b); callers pass names, not texts. */
function distance(a: string, b: string): number {
	let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
	for (let i = 1; i <= a.length; i++) {
		const current = [i];
		for (let j = 1; j <= b.length; j++) {
			const substitute = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			current[j] = Math.min(substitute, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
		}
		previous = current;
	}
	return previous[b.length] ?? 0;
}

/** The accepted name nearest to what was written, or undefined when nothing is near enough to be worth proposing. */
export function nearest(written: string, accepted: Iterable<string>): string | undefined {
	const word = written.slice(0, 80);
	let best: string | undefined;
	let bestDistance = Math.max(2, Math.ceil(word.length / 3)) + 1;
	for (const candidate of accepted) {
		const d = candidate.startsWith(word) || word.startsWith(candidate) ? 1 : distance(word, candidate.slice(0, 80));
		if (d < bestDistance) {
			best = candidate;
			bestDistance = d;
		}
	}
	return best;
}
