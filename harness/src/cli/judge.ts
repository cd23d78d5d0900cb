// SPDX-License-Identifier: MIT
import { Command } from 'commander';

/** `fencepost judge`: applies parser, classifier and reconciliation to saved logs. */
export function judgeCommand(): Command {
	return new Command('judge').description('judge saved logs');
}
