#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { asksForBisect, guardBisect, reportBisectError } from './bisect-guard.js';
import { reportError } from './errors.js';
import { endWithReader } from './reader-gone.js';

endWithReader();
const argv = process.argv.slice(2);
const bisecting = asksForBisect(argv);
if (bisecting) guardBisect();
try {
	const { runProgram } = await import('./program.js');
	await runProgram(argv);
} catch (error) {
	process.exitCode = bisecting ? reportBisectError(error) : reportError(error);
}
