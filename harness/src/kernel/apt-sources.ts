// SPDX-License-Identifier: MIT
import { basename } from 'node:path';

/** One place packages come from, as an entry of the machine's apt sources names it. */
export interface AptSource {
	readonly uri: string;
	readonly suite: string;
}

/** The mirrors of the Debian archive that the machine's own apt sources name. */
export interface DebianMirrors {
	readonly main: readonly string[];
	readonly security: readonly string[];
}

const RELEASE_NAME =
	'(?:bullseye|bookworm|trixie|forky|duke|sid|stable|oldstable|oldoldstable|testing|unstable|experimental)';
const DEBIAN_SUITE = new RegExp(
	`^${RELEASE_NAME}(?:-(?:updates|security|backports|backports-sloppy|proposed-updates)|/updates)?$`,
);
const SECURITY_SUITE = /(?:-security|\/updates)$/;
const FETCHABLE = /^(?:https?|ftp|file|copy|mirror(?:\+\w+)?|tor\+https?):/;

/** Entries of a one-line style file (sources.list(5)) that are Debian's own. */
export function parseOneLineSources(text: string): AptSource[] {
	return text.split('\n').flatMap((raw) => {
		const line = raw.replace(/#.*/, '').trim();
		const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line);
		if (!match?.[2] || !match[3] || !match[4]) return [];
		const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(match[1] ?? '')?.[1];
		return debianEntries([match[2]], [match[3]], match[4].split(/\s+/), signedBy);
	});
}

/** Entries of a deb822 style file (sources.list(5)) that are Debian's own. */
export function parseDeb822Sources(text: string): AptSource[] {
	return text.split(/\n[ \t]*\n/).flatMap((stanza) => {
		const fields = parseStanza(stanza.replace(/^#.*\n?/gm, ''));
		const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
		if (!words('types').includes('deb') || /^(?:no|false|0|off|disable)$/i.test(fields.get('enabled') ?? '')) return [];
		return debianEntries(words('uris'), words('suites'), words('components'), fields.get('signed-by'));
	});
}

/** `Field: value` lines, with continuation lines; names in lower case. The first of two equal names counts. */
export function parseStanza(text: string): ReadonlyMap<string, string> {
	const fields = new Map<string, string>();
	let last: string | undefined;
	for (const line of text.split('\n')) {
		const match = /^([^\s:#][^\s:]*):[ \t]*(.*)$/.exec(line);
		if (match?.[1]) {
			const name = match[1].toLowerCase();
			last = fields.has(name) ? undefined : name;
			if (last !== undefined) fields.set(last, (match[2] ?? '').trimEnd());
		} else if (last !== undefined && /^[ \t]/.test(line)) {
			fields.set(last, `${fields.get(last) ?? ''}\n${line.trim()}`);
		}
	}
	return fields;
}

/**
 * Debian's own: signed by an archive keyring of Debian's, or, where the entry does not say by whom, of a suite
 * and component of Debian's. Others that use the same suite names (Docker's, for one) name their own key.
 */
function debianEntries(
	uris: readonly string[],
	suites: readonly string[],
	components: readonly string[],
	signedBy: string | undefined,
): AptSource[] {
	if (!components.includes('main')) return [];
	const keyrings = signedBy?.split(/[\s,]+/).filter((word) => word !== '') ?? [];
	if (keyrings.length > 0 && !keyrings.every((path) => basename(path).startsWith('debian-archive-'))) return [];
	return suites
		.filter((suite) => DEBIAN_SUITE.test(suite))
		.flatMap((suite) => uris.filter((uri) => FETCHABLE.test(uri)).map((uri) => ({ uri, suite })));
}

export function debianMirrors(sources: readonly AptSource[]): DebianMirrors {
	const unique = (wanted: boolean) => [
		...new Set(sources.filter(({ suite }) => SECURITY_SUITE.test(suite) === wanted).map(({ uri }) => uri)),
	];
	return { main: unique(false), security: unique(true) };
}

/** `sources.list` for the suites: one line a suite and mirror, each signed by the keyring. */
export function renderSources(
	mirrors: DebianMirrors,
	suites: readonly string[],
	architecture: string,
	keyring: string,
): string {
	return suites
		.flatMap((suite) =>
			(SECURITY_SUITE.test(suite) ? mirrors.security : mirrors.main).map(
				(uri) => `deb [arch=${architecture} signed-by=${keyring}] ${uri} ${suite} main\n`,
			),
		)
		.join('');
}
