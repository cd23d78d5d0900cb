// SPDX-License-Identifier: MIT

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `3.4 GiB`, `212 MiB`, `17 bytes`: sizes as people read them. */
export function formatBytes(bytes: number): string {
	let value = bytes;
	let unit = 0;
	for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1024;
	const digits = unit > 0 && value < 9.95 ? 1 : 0;
	return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** `4 KiB`, `5120 KiB`, `17 bytes`: whole units, none lost to rounding. */
export function exactBytes(bytes: number): string {
	let value = bytes;
	let unit = 0;
	for (; value >= 1024 && value % 1024 === 0 && unit < UNITS.length - 1; unit++) value /= 1024;
	return `${value} ${UNITS[unit] ?? ''}`;
}

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes of `10G`, `500M`, `1.5GiB`, `4096`; undefined for anything else. Units are powers of 1024. */
export function parseBytes(text: string): number | undefined {
	const match = /^(\d{1,12}(?:\.\d{1,3})?)\s?(?:([kmgt])(?:i?b)?|b|bytes)?$/i.exec(text.trim());
	const factor = FACTORS[match?.[2]?.toLowerCase() ?? ''];
	return match && factor !== undefined ? Math.floor(Number(match[1]) * factor) : undefined;
}
