// SPDX-License-Identifier: MIT
import { Command, Option } from 'commander';
import { ARCHES } from '../core/architectures.js';
import type { PruneOptions } from './prune.js';

/** Options of the commands below; each is parsed by commander and understood by kernel-actions. */
export interface KernelOptions extends PruneOptions {
	readonly arch?: string[];
	readonly json?: boolean;
	readonly built?: boolean;
}

const SELECTORS = `
Selectors:
  source:6.12           built from the newest linux-source-6.12 of Debian's suites; also source:6.12.107, source:newest
  tree:~/linux          built from a tree, in a folder of its own; tree:~/linux@v6.12 a git revision
  debian:7.2            a stock kernel of Debian's
  file:./bzImage        a prebuilt image
  …,profile=debug       how it is configured, where it is built: see kernels/catalogue.yaml`;

const archOption = () => new Option('--arch <arch...>', 'only these architectures (default: all)').choices([...ARCHES]);

/** `fencepost kernel …`. What a command does is loaded when it is run. */
export function kernelCommand(): Command {
	const command = new Command('kernel')
		.description('Lists, fetches, builds, shows and prunes kernels.')
		.addHelpText('after', SELECTORS);
	command
		.command('list')
		.description('Lists kernels that are built or fetched, and versions that can be had.')
		.addOption(archOption())
		.option('--built', 'only what is in the cache: looks at no package index')
		.option('--json', 'as JSON')
		.action(async (options: KernelOptions) => (await import('./kernel-actions.js')).listKernels(options));
	command
		.command('fetch')
		.description('Downloads what kernels need, and builds nothing.')
		.argument('<selector...>', 'source:VERSION or debian:VERSION')
		.addOption(archOption())
		.action(async (selectors: string[], options: KernelOptions) =>
			(await import('./kernel-actions.js')).fetchKernels(selectors, options),
		);
	command
		.command('build')
		.description('Makes kernels ready to boot: fetches, builds, and says where they are.')
		.argument('<selector...>', 'see below')
		.addOption(archOption())
		.option('--json', 'as JSON')
		.addHelpText('after', SELECTORS)
		.action(async (selectors: string[], options: KernelOptions) =>
			(await import('./kernel-actions.js')).buildKernels(selectors, options),
		);
	command
		.command('show')
		.description('Shows all that is known of a kernel in the cache.')
		.argument('<kernel>', 'a selector, a release, or the beginning of an id')
		.addOption(archOption())
		.option('--json', 'as JSON')
		.action(async (word: string, options: KernelOptions) =>
			(await import('./kernel-actions.js')).showKernel(word, options),
		);
	command
		.command('prune')
		.description(
			'Frees the room that kernels and what they are made from take; fencepost cache prune does it for all that is kept.',
		)
		.option('--older-than <age>', 'what was not used for so long: 30d, 12h, 2w (default: 30d)')
		.option('--max-size <size>', 'and what was used longest ago, until the rest fits: 10G, 500M')
		.option('--all', 'everything that no process uses')
		.option('--dry-run', 'only say what would go')
		.action(async (options: KernelOptions) => {
			const { KERNEL_HOLDINGS } = await import('../kernel/kept.js');
			process.exitCode = await (await import('./cache-actions.js')).pruneKinds(KERNEL_HOLDINGS, options);
		});
	return command;
}
