// SPDX-License-Identifier: MIT
import { parseStanza } from './apt-sources.js';

/** A package as a signed index describes it. */
export interface PackageRecord {
	readonly name: string;
	readonly version: string;
	/** Debian's architecture, or `all`. */
	readonly architecture: string;
	readonly sizeBytes: number;
	/** Of the .deb file, lower-case hex. */
	readonly sha256: string;
}

/** Reads what `apt-cache show` prints. Records that lack a hash cannot be verified and are left out. */
export function parsePackageRecords(text: string): PackageRecord[] {
	const records = new Map<string, PackageRecord>();
	for (const stanza of text.split(/\n\n+/)) {
		const fields = parseStanza(stanza);
		const [name, version, sha256] = [fields.get('package'), fields.get('version'), fields.get('sha256')];
		if (!name || !version || !sha256 || !/^[0-9a-f]{64}$/.test(sha256)) continue;
		records.set(`${name} ${version}`, {
			name,
			version,
			sha256,
			architecture: fields.get('architecture') ?? 'all',
			sizeBytes: Number(fields.get('size') ?? 0) || 0,
		});
	}
	return [...records.values()];
}
