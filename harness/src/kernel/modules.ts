// SPDX-License-Identifier: MIT
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { usageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import type { Kernel } from './kernel.js';

const MODULE_FILE = /\.ko(\.(xz|zst|gz))?$/;

/** A module's name as the kernel knows it: `-` and `_` are the same (kernel/module/main.c). */
function moduleName(file: string): string {
	return basename(file).replace(MODULE_FILE, '').replaceAll('-', '_');
}

/** Files of the modules that a machine asks for by name. @throws usage error naming the one that the kernel does not have. */
export async function moduleFiles(kernel: Kernel, names: readonly string[]): Promise<string[]> {
	if (names.length === 0) return [];
	const root = kernel.modulesRoot;
	const entries = root === undefined ? [] : await readdir(root, { recursive: true });
	const files = new Map(entries.filter((entry) => MODULE_FILE.test(entry)).map((entry) => [moduleName(entry), entry]));
	return names.map((name) => {
		const file = files.get(name.replaceAll('-', '_'));
		if (file !== undefined && root !== undefined) return join(root, file);
		const meant = nearest(name, files.keys());
		throw usageError(
			'MODULE_MISSING',
			`the kernel ${kernel.selector} for ${kernel.arch} has no module ${name}`,
			meant ? `did you mean ${meant}?` : 'it may be built in, or not be configured',
		);
	});
}
