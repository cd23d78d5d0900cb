// SPDX-License-Identifier: MIT

/** Order of one non-digit character: a tilde before the end, the end before letters, letters before the rest. */
function weight(character: string): number {
	if (character === '~') return -1;
	if (character === '') return 0;
	return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}

/** Compares two upstream versions or two revisions (Debian policy 5.6.12). */
function comparePart(a: string, b: string): number {
	let [i, j] = [0, 0];
	while (i < a.length || j < b.length) {
		while ((i < a.length && !isDigit(a[i])) || (j < b.length && !isDigit(b[j]))) {
			const left = isDigit(a[i]) ? '' : (a[i] ?? '');
			const right = isDigit(b[j]) ? '' : (b[j] ?? '');
			const order = weight(left) - weight(right);
			if (order !== 0) return order;
			i++;
			j++;
		}
		const left = /^0*(\d*)/.exec(a.slice(i));
		const right = /^0*(\d*)/.exec(b.slice(j));
		const [digitsA, digitsB] = [left?.[1] ?? '', right?.[1] ?? ''];
		if (digitsA.length !== digitsB.length) return digitsA.length - digitsB.length;
		if (digitsA !== digitsB) return digitsA < digitsB ? -1 : 1;
		i += left?.[0].length ?? 0;
		j += right?.[0].length ?? 0;
	}
	return 0;
}

function isDigit(character: string | undefined): boolean {
	return character !== undefined && character >= '0' && character <= '9';
}

interface VersionParts {
	readonly epoch: string;
	readonly upstream: string;
	readonly revision: string;
}

function split(version: string): VersionParts {
	const colon = version.indexOf(':');
	const rest = version.slice(colon + 1);
	const dash = rest.lastIndexOf('-');
	return {
		epoch: colon < 0 ? '0' : version.slice(0, colon),
		upstream: dash < 0 ? rest : rest.slice(0, dash),
		revision: dash < 0 ? '' : rest.slice(dash + 1),
	};
}

/** Negative, zero or positive as `a` is older than, the same as or newer than `b` (Debian policy 5.6.12). */
export function compareDebianVersions(a: string, b: string): number {
	const [left, right] = [split(a), split(b)];
	return (
		comparePart(left.epoch, right.epoch) ||
		comparePart(left.upstream, right.upstream) ||
		comparePart(left.revision, right.revision)
	);
}

/** The kernel version a Debian version packages, as selectors write it: `7.3~rc7-1~exp1` is 7.3-rc7. */
export function upstreamVersion(version: string): string {
	return split(version).upstream.replace(/~rc/, '-rc');
}
