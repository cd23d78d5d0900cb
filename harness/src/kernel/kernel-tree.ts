// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../core/errors.js';
import type { Release } from '../core/release.js';
import { KBUILD } from './kbuild.js';

/** The version a kernel's top Makefile states, or undefined when it is no kernel's. */
export function makefileRelease(text: string): Release | undefined {
	const number = (name: string) => new RegExp(`^${name}\\s*=\\s*(\\d{1,4})\\s*$`, 'm').exec(text)?.[1];
	const [version, patchlevel, sublevel] = [number('VERSION'), number('PATCHLEVEL'), number('SUBLEVEL')];
	return version === undefined || patchlevel === undefined
		? undefined
		: [Number(version), Number(patchlevel), Number(sublevel ?? 0)];
}

/** Reads the version of the kernel tree in a folder. @throws usage error when it is not one. */
export async function readTreeRelease(tree: string, selector: string): Promise<Release> {
	const makefile = await readFile(join(tree, 'Makefile'), 'utf8').catch(() => undefined);
	const release = makefile === undefined ? undefined : makefileRelease(makefile);
	const kconfig = await exists(join(tree, 'Kconfig'));
	if (release && kconfig) return release;
	const lacks =
		makefile === undefined ? 'no Makefile' : release ? 'no Kconfig' : 'no VERSION and PATCHLEVEL in its Makefile';
	throw notKernelTree(selector, tree, lacks);
}

export function notKernelTree(selector: string, tree: string, lacks: string) {
	return usageError(
		'TREE_NOT_KERNEL',
		`${selector}: ${tree} is not a Linux source tree: ${lacks}`,
		'accepted: the top folder of a kernel source, with its Makefile and Kconfig',
	);
}

/** Refuses a tree that was configured in place: kbuild cannot build it in a folder of its own then. */
export async function refuseConfiguredTree(tree: string, selector: string): Promise<void> {
	const marks = [
		'.config',
		join('include', 'config'),
		...Object.values(KBUILD).map(({ folder }) => join('arch', folder, 'include', 'generated')),
	];
	for (const mark of marks) {
		if (!(await exists(join(tree, mark)))) continue;
		throw usageError(
			'TREE_CONFIGURED_IN_PLACE',
			`${selector}: ${tree} was configured or built in place (it has ${mark}), so kbuild refuses to build it anywhere else`,
			`clean it with: make -C ${tree} mrproper   (keep .config first if you need it), or name a commit: ${selector.replace(/(,profile=.*)?$/, '@HEAD$1')}`,
		);
	}
}

async function exists(path: string): Promise<boolean> {
	return stat(path).then(
		() => true,
		() => false,
	);
}
