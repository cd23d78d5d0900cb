// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout or installed package; this file is harness/dist/src/core/invocation.js. */
const OWN_ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../../..');

/**
 * The words that start this program from a folder, for commands that people copy. npx finds a program in the folder it is
 * called in and those above it; from anywhere else it would look for a package of that name in the registry, so it is told
 * where this one is.
 * @param root where the program is
 */
export function invocation(from: string = process.cwd(), root: string = OWN_ROOT): readonly string[] {
	for (let folder = from; ; folder = dirname(folder)) {
		if (hasProgram(folder)) return ['npx', 'fencepost'];
		if (folder === dirname(folder)) break;
	}
	const above = dirname(root);
	const prefix = [root, ...(basename(above) === 'node_modules' ? [dirname(above)] : [])].find(hasProgram);
	if (prefix !== undefined) return ['npx', '--prefix', prefix, 'fencepost'];
	return ['node', join(root, 'harness/dist/src/cli/main.js')];
}

function hasProgram(folder: string): boolean {
	return existsSync(join(folder, 'node_modules/.bin/fencepost'));
}
