// SPDX-License-Identifier: MIT

/** Whether a name matches a glob: `*` any run of characters, `?` one. Everything else stands for itself. */
export function matchesGlob(name: string, glob: string): boolean {
	const pattern = glob
		.replace(/[.+^${}()|[\]\\]/g, '\\$&')
		.replaceAll('*', '.*')
		.replaceAll('?', '.');
	return new RegExp(`^${pattern}$`, 's').test(name);
}

export function matchesAny(name: string, globs: readonly string[]): boolean {
	return globs.some((glob) => matchesGlob(name, glob));
}
