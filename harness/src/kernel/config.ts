// SPDX-License-Identifier: MIT
import type { AskedOption } from './fragment.js';

/** `CONFIG_X` to its value; options that are not set are left out. */
export type Config = ReadonlyMap<string, string>;

/** Reads a `.config`. Lines that set nothing are passed over. */
export function parseConfig(text: string): Config {
	const config = new Map<string, string>();
	for (const match of text.matchAll(/^(CONFIG_[A-Za-z0-9_]+)=(.+)$/gm)) {
		if (match[1] && match[2] !== undefined && match[2] !== 'n') config.set(match[1], match[2]);
	}
	return config;
}

/** A `.config`'s text as far as it decides what is built: sorted settings, no comments (those name the compiler and the date). */
export function normalizeConfig(config: Config): string {
	return [...config]
		.map(([name, value]) => `${name}=${value}\n`)
		.sort()
		.join('');
}

/** Text of a fragment that kconfig reads. */
export function renderFragment(options: Iterable<AskedOption>): string {
	return [...options]
		.map(({ name, value }) => `${value === 'n' ? `# ${name} is not set` : `${name}=${value}`}\n`)
		.join('');
}

/** Options that were asked for and came out as something else. */
export function lostOptions(asked: Iterable<AskedOption>, config: Config): AskedOption[] {
	return [...asked].filter(({ name, value }) => (config.get(name) ?? 'n') !== value);
}
