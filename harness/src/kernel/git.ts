// SPDX-License-Identifier: MIT
import { isAbsolute, join } from 'node:path';
import { FencepostError } from '../core/errors.js';
import { run } from '../core/process.js';

/** Variables with which git, running us as a hook or in a bisection, would point us at another repository. */
const CLEARED = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_OBJECT_DIRECTORY', 'GIT_COMMON_DIR'];

/** Runs git in a folder: no hooks, no pager, and no writing of the index for convenience. @returns standard output. */
export async function git(directory: string, args: readonly string[], signal: AbortSignal): Promise<string> {
	const { stdout } = await run(
		'env',
		[
			...CLEARED.flatMap((name) => ['-u', name]),
			...['git', '-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-C', directory, ...args],
		],
		{ signal, package: 'git', env: { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' } },
	);
	return stdout;
}

/** Like git, but undefined when it says no. */
export async function askGit(
	directory: string,
	args: readonly string[],
	signal: AbortSignal,
): Promise<string | undefined> {
	try {
		return await git(directory, args, signal);
	} catch (error) {
		if (error instanceof FencepostError && error.code === 'COMMAND_FAILED') return undefined;
		throw error;
	}
}

/** A folder's place in a git repository. */
export interface Repository {
	/** Folder from which git is asked. */
	readonly directory: string;
	/** The repository itself, the same for all its worktrees. */
	readonly commonDirectory: string;
	/** The folder below the repository's top: empty or ending in a slash. */
	readonly prefix: string;
}

/** The repository a folder belongs to, or undefined. */
export async function findRepository(directory: string, signal: AbortSignal): Promise<Repository | undefined> {
	const common = (await askGit(directory, ['rev-parse', '--git-common-dir'], signal))?.trim();
	if (!common) return undefined;
	const prefix = (await askGit(directory, ['rev-parse', '--show-prefix'], signal))?.trim() ?? '';
	return { directory, commonDirectory: isAbsolute(common) ? common : join(directory, common), prefix };
}
