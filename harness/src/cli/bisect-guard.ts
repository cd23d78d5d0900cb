// SPDX-License-Identifier: MIT
import { FencepostError, messageOf } from '../core/errors.js';
import { printableInLog } from '../core/printable.js';
import { BISECT_EXIT, type BisectAnswer, type BisectCode, bisectCodeOfError } from '../results/bisect.js';
import { reportError, UsageShown } from './errors.js';
import { Interrupted } from './interrupt.js';

// Stands between a bisect and everything that can go wrong, so it loads nothing that might not be installed.

/** Exit codes below 128 that git may see: everything else below 128 would be read as "bad". */
const ANSWERS: ReadonlySet<number> = new Set([BISECT_EXIT.good, BISECT_EXIT.bad, BISECT_EXIT.cannotJudge]);

/** Whether a command line asks for answers to git, well written or not: a slip in the option must not end as "bad". */
export function asksForBisect(argv: readonly string[]): boolean {
	return argv.some((word) => /^--?[a-z-]*bis/i.test(word));
}

/**
 * Whatever ends this process from now on (a defect of ours, a reader of our output that went away, a report that
 * cannot be written), git is told to stop and never that the commit is bad. Node's own code for an uncaught
 * exception is 1, and 13 for an await that nothing ends.
 */
export function guardBisect(): void {
	process.on('uncaughtException', (error) => process.exit(reportBisectError(error)));
	process.on('exit', (given) => {
		const code = Number(process.exitCode ?? given);
		if (!(code >= BISECT_EXIT.abort || ANSWERS.has(code))) process.exitCode = BISECT_EXIT.abort;
	});
}

/** Says an error that ended a run of a bisect. @returns the exit code: one that stops the bisect, or skips the commit. */
export function reportBisectError(error: unknown): BisectCode {
	reportError(error);
	if (error instanceof Interrupted) return say({ code: BISECT_EXIT.interrupted, why: 'stopped before the run began' });
	if (error instanceof UsageShown) return say({ code: BISECT_EXIT.abort, why: 'wrong usage, as said above' });
	const code = bisectCodeOfError(error instanceof FencepostError ? error.code : undefined);
	return say({ code, why: messageOf(error).split('\n')[0] ?? '' });
}

const WORDS: Readonly<Record<BisectCode, string>> = {
	[BISECT_EXIT.good]: 'good',
	[BISECT_EXIT.bad]: 'bad',
	[BISECT_EXIT.cannotJudge]: 'cannot judge',
	[BISECT_EXIT.abort]: 'abort',
	[BISECT_EXIT.interrupted]: 'interrupted',
};

/** The last line of a step of a bisect: what git is told, and why. */
export function say({ code, why }: BisectAnswer): BisectCode {
	process.stderr.write(`bisect: ${WORDS[code]} (exit ${code}): ${printableInLog(why)}\n`);
	return code;
}
