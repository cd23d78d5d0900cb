// SPDX-License-Identifier: MIT
import type { Command } from 'commander';
import { usageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';

/**
 * The words to run for what was written: `help kernel list` and `kernel help list` are `kernel list --help`.
 * @param program with the commands that are named loaded, and those below them
 * @throws usage error for a command that there is not; commander shows other help, and calls that success
 */
export function commandWords(program: Command, argv: readonly string[]): readonly string[] {
	let command = program;
	let help = false;
	const path: string[] = [];
	for (const word of argv) {
		// Options, and arguments of a command that has none below it: these are commander's.
		if (word.startsWith('-') || (path.length > 0 && command.commands.length === 0)) break;
		if (word === 'help') {
			help = true;
			continue;
		}
		const below = command.commands.find((one) => one.name() === word);
		if (!below) throw unknownCommand(word, path, command);
		command = below;
		path.push(word);
	}
	return help ? [...path, '--help'] : argv;
}

function unknownCommand(word: string, path: readonly string[], { commands }: Command): Error {
	const accepted = commands.map((one) => one.name());
	const meant = nearest(word, accepted);
	return usageError(
		'COMMAND_UNKNOWN',
		`unknown command "${[...path, word].join(' ')}"`,
		`${meant === undefined ? '' : `did you mean ${[...path, meant].join(' ')}? `}accepted: ${accepted.join(', ')}`,
	);
}
