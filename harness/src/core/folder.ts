// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from './errors.js';

/**
 * Makes a folder and those above it, one by one: Node's own way (`recursive`) never comes back where the system says that
 * there is no folder in a folder that is there, as /proc does.
 */
export function makeFolder(directory: string): void {
	const above = dirname(directory);
	try {
		mkdirSync(directory);
	} catch (error) {
		const code = errnoOf(error);
		if (code === 'EEXIST') return;
		if (code !== 'ENOENT' || above === directory || existsSync(above)) throw error;
		makeFolder(above);
		makeFolder(directory);
	}
}
