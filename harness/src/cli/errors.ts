// SPDX-License-Identifier: MIT
import { FencepostError } from '../core/errors.js';
import { printableInLog } from '../core/printable.js';
import { EXIT } from '../results/totals.js';
import { Interrupted } from './interrupt.js';

/** Wrong usage that the parser of the command line has explained already. */
export class UsageShown extends Error {}

/** Says an error on standard error the way a user needs it, and returns the exit code it means. */
export function reportError(error: unknown): number {
	if (error instanceof Interrupted) return EXIT.interrupted;
	if (error instanceof UsageShown) return EXIT.usage;
	if (!(error instanceof FencepostError)) {
		const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
		process.stderr.write(`fencepost: this is a bug in Fencepost:\n${stack}\n`);
		return EXIT.notJudged;
	}
	const lines = [`fencepost: ${error.message}`];
	if (error.evidence) lines.push(...error.evidence.split('\n').map((line) => `  | ${line}`));
	if (error.hint) lines.push(`  ${error.hint}`);
	// The evidence may be a guest's console.
	process.stderr.write(`${printableInLog(lines.join('\n'))}\n`);
	return error.blame === 'usage' ? EXIT.usage : EXIT.notJudged;
}
