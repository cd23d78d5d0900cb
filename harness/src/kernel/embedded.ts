// SPDX-License-Identifier: MIT
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** What CONFIG_IKCONFIG puts around the gzipped config (kernel/configs.c). */
const CONFIG_START = 'IKCFG_ST';
const CONFIG_END = 'IKCFG_ED';

/** The release an uncompressed image names itself by: the first banner with a version in it (init/version.c). */
export function embeddedRelease(image: Buffer): string | undefined {
	for (let at = image.indexOf('Linux version '); at >= 0; at = image.indexOf('Linux version ', at + 1)) {
		const release = /^Linux version (\d+\.\d+[^\s(]*) \(/.exec(image.toString('latin1', at, at + 200))?.[1];
		if (release) return release;
	}
	return undefined;
}

/**
 * The kernel in a bzImage, if it is packed with gzip (Documentation/arch/x86/boot.rst: setup_sects, payload_offset,
 * payload_length, since protocol 2.08). Undefined for other packings, and for what is damaged.
 */
export async function bzImagePayload(image: Buffer, maxBytes: number): Promise<Buffer | undefined> {
	if (image.length < 0x250 || image.readUInt16LE(0x206) < 0x208) return undefined;
	const sectors = image[0x1f1] || 4;
	const start = (sectors + 1) * 512 + image.readUInt32LE(0x248);
	const packed = image.subarray(start, start + image.readUInt32LE(0x24c));
	if (packed.length < 2 || packed.readUInt16BE(0) !== 0x1f8b) return undefined;
	return promisify(gunzip)(packed, { maxOutputLength: maxBytes }).catch(() => undefined);
}

/** The config inside an uncompressed image, if it was built with CONFIG_IKCONFIG. Damaged ones count as none. */
export async function embeddedConfig(image: Buffer): Promise<string | undefined> {
	for (let at = image.indexOf(CONFIG_START); at >= 0; at = image.indexOf(CONFIG_START, at + 1)) {
		const start = at + CONFIG_START.length;
		// kernel/configs.c holds the marker too, as a string; a gzip header follows only the real one.
		if (image.length < start + 2 || image.readUInt16BE(start) !== 0x1f8b) continue;
		const end = image.indexOf(CONFIG_END, start);
		if (end < 0 || end - start > MAX_CONFIG_BYTES) continue;
		const text = await promisify(gunzip)(image.subarray(start, end), { maxOutputLength: MAX_CONFIG_BYTES }).then(
			(bytes) => bytes.toString('utf8'),
			() => undefined,
		);
		if (text?.includes('CONFIG_')) return text;
	}
	return undefined;
}
