// SPDX-License-Identifier: MIT
import { Command } from 'commander';
import { collect } from './collect.js';
import type { PruneOptions } from './prune.js';

export interface CacheOptions extends PruneOptions {
	readonly json?: boolean;
	readonly kind?: string[];
}

const NOTES = `
The cache is $XDG_CACHE_HOME/fencepost, by default ~/.cache/fencepost. All of it can be made or fetched again; list says
what that costs. What a process uses that still runs is never removed, and is said. docs/cache.md tells more.

Examples:
  fencepost cache
  fencepost cache prune                       what was not used for 30 days
  fencepost cache prune --max-size 10G        what was used longest ago, until 10 GiB are left
  fencepost cache prune --kind templates --kind builds --all --dry-run
  fencepost cache verify

Exit codes: 0 done; 1 verify found damage (and removed it); 2 wrong usage; 3 it could not be done; 130 interrupted.`;

/** `fencepost cache …`. What a command does is loaded when it is run. */
export function cacheCommand(): Command {
	const command = new Command('cache')
		.description('Shows, prunes and verifies what is kept between runs.')
		.addHelpText('after', NOTES);
	command
		.command('list', { isDefault: true })
		.description(
			'Shows what is there, how much room it takes, and when it was used. (This is what fencepost cache does.)',
		)
		.option('--kind <name>', 'only this kind, entry by entry, repeatable', collect)
		.option('--json', 'as JSON')
		.action(async (options: CacheOptions) => {
			process.exitCode = await (await import('./cache-actions.js')).listCache(options);
		});
	command
		.command('prune')
		.description('Removes what was not used for long. What is in use stays.')
		.option(
			'--older-than <age>',
			'what was not used for so long: 30d, 12h, 2w (default: 30d, unless --max-size is given)',
		)
		.option('--max-size <size>', 'what was used longest ago, until the rest fits: 10G, 500M')
		.option('--kind <name>', 'only this kind, repeatable; --max-size is then about these', collect)
		.option('--all', 'everything that no process uses')
		.option('--dry-run', 'only say what would go')
		.action(async (options: CacheOptions) => {
			process.exitCode = await (await import('./cache-actions.js')).pruneCache(options);
		});
	command
		.command('verify')
		.description('Compares every entry with the hashes it was stored with, and removes what is damaged.')
		.option('--kind <name>', 'only this kind, repeatable', collect)
		.action(async (options: CacheOptions) => {
			process.exitCode = await (await import('./cache-actions.js')).verifyCache(options);
		});
	return command;
}
