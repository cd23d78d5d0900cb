// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { infrastructureError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import type { Kernel } from './kernel.js';
import type { KernelContext } from './resolve.js';
import { resolveModules } from './stock-modules.js';

/** A module to load, as the kernel names it, and its file on the host. */
export interface ModuleFile {
	readonly name: string;
	readonly file: string;
}

/** A module's name as the kernel knows it: `-` and `_` are the same (kernel/module/main.c). */
function moduleName(file: string): string {
	return basename(file)
		.replace(/\.ko(\.(xz|zst|gz))?$/, '')
		.replaceAll('-', '_');
}

/** What a guest talks to us through, by the option that would have it built in (docs/protocol.md). */
const TRANSPORT: Readonly<Record<string, string>> = {
	CONFIG_VIRTIO_PCI: 'virtio_pci',
	CONFIG_VIRTIO_CONSOLE: 'virtio_console',
};

/** The modules without which a kernel's guests could not be heard: Debian's up to 6.1 have them loaded at boot. */
export function transportModules({ config }: Pick<Kernel, 'config'>): string[] {
	return Object.entries(TRANSPORT).flatMap(([option, module]) => (config?.get(option) === 'm' ? [module] : []));
}

/**
 * The modules that a machine asks for by name, and before each the ones it depends on (modules.dep(5)), in the order
 * in which they can be loaded. What is built in needs no file.
 * @throws an infrastructure error that names what this kernel does not have: another one of the plan may
 */
export async function moduleFiles(
	kernel: Kernel,
	names: readonly string[],
	context: KernelContext,
): Promise<ModuleFile[]> {
	if (names.length === 0) return [];
	const root = await resolveModules(kernel, context);
	const folder = join(root ?? '/nonexistent', 'lib', 'modules', kernel.release ?? '');
	const dependencies = parseDependencies(await readFile(join(folder, 'modules.dep'), 'utf8').catch(() => ''));
	const builtin = (await readFile(join(folder, 'modules.builtin'), 'utf8').catch(() => '')).split('\n').map(moduleName);
	const ordered = new Map<string, ModuleFile>();
	for (const asked of names) {
		const name = asked.replaceAll('-', '_');
		if (builtin.includes(name)) continue;
		const found = dependencies.get(name);
		if (!found) {
			const meant = nearest(name, dependencies.keys());
			throw infrastructureError(
				'MODULE_MISSING',
				`the kernel ${kernel.selector} for ${kernel.arch} has no module ${asked}`,
				{ hint: meant ? `did you mean ${meant}?` : 'it may not be configured' },
			);
		}
		for (const path of found) ordered.set(moduleName(path), { name: moduleName(path), file: join(folder, path) });
	}
	return [...ordered.values()];
}

/** Module name to the files to load, dependencies first: modules.dep lists a module, then what it needs, nearest first. */
export function parseDependencies(text: string): Map<string, string[]> {
	const found = new Map<string, string[]>();
	for (const line of text.split('\n')) {
		const [file, needed] = line.split(':');
		if (!file || needed === undefined) continue;
		const before = needed.split(' ').filter((path) => path !== '');
		found.set(moduleName(file), [...before.reverse(), file]);
	}
	return found;
}
