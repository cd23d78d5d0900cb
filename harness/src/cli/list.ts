// SPDX-License-Identifier: MIT
import { Command } from 'commander';

export function listCommand(): Command {
	return new Command('list')
		.description('Lists every case with its statement and source, from the built suites themselves.')
		.option('--json', 'as JSON, one object a case')
		.option('--suite <glob>', 'only these suites')
		.action(async (options: { json?: boolean; suite?: string }) => {
			const { performList } = await import('./list-action.js');
			await performList(options);
		});
}
