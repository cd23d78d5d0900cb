// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { commandWords } from './command-path.js';
import { UsageShown } from './errors.js';
import { projectRoot } from './project.js';

/** Commands are loaded when they are asked for: `fencepost run --help` must not wait for what it does not use. */
const COMMANDS: readonly { readonly name: string; readonly summary: string; readonly load: () => Promise<Command> }[] =
	[
		{
			name: 'run',
			summary: 'run conformance suites on kernels in guests',
			load: async () => (await import('./run.js')).runCommand(),
		},
		{
			name: 'list',
			summary: 'list every case with its statement and source',
			load: async () => (await import('./list.js')).listCommand(),
		},
		{
			name: 'heaps',
			summary: 'tell what each heap of a machine can serve',
			load: async () => (await import('./heaps.js')).heapsCommand(),
		},
		{
			name: 'kernel',
			summary: 'list, fetch, build, show and prune kernels',
			load: async () => (await import('./kernel.js')).kernelCommand(),
		},
		{
			name: 'judge',
			summary: 'judge saved KTAP and console logs',
			load: async () => (await import('./judge.js')).judgeCommand(),
		},
		{
			name: 'cache',
			summary: 'show, prune and verify what is kept between runs',
			load: async () => (await import('./cache.js')).cacheCommand(),
		},
		{
			name: 'doctor',
			summary: 'tell what this host can do, and what is missing',
			load: async () => (await import('./doctor.js')).doctorCommand(),
		},
	];

const EXAMPLES = `
Examples:
  fencepost run --kernel source:6.12 --arch arm64
  fencepost run --kernel tree:~/linux --suite alloc --subject system
  fencepost run --kernel source:6.12 --arch x86_64 --program ./mytest
  fencepost list --json
  fencepost doctor

Exit codes: 0 all judged, none failed; 1 a fail, crash, timeout or xpass; 2 wrong usage or plan;
3 something could not be judged (miss) and nothing failed; 130 interrupted.`;

/** Wrong usage of a command, or of one below it, is thrown: commander's own exit code for it is none of ours. */
function throwing(command: Command): Command {
	for (const below of command.commands) throwing(below);
	return command.exitOverride().showHelpAfterError('(run with --help for what is accepted)');
}

/** Runs the command that was asked for. @throws UsageShown when commander has said what is wrong with it. */
export async function runProgram(argv: readonly string[]): Promise<void> {
	const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };
	const program = new Command('fencepost')
		.description(
			'Conformance testing for Linux DMA-BUF: heaps, mmap, cache sync and fences, on kernels of your choice.',
		)
		.version(version)
		.showSuggestionAfterError()
		.showHelpAfterError('(run with --help for what is accepted)')
		.addHelpText('after', EXAMPLES)
		.exitOverride();
	for (const { name, summary, load } of COMMANDS) {
		if (argv.includes(name)) program.addCommand(throwing((await load()).summary(summary)));
		else program.addCommand(new Command(name).description(summary).summary(summary));
	}
	const words = commandWords(program, argv);
	try {
		await program.parseAsync(['node', 'fencepost', ...words]);
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.exitCode !== 0) throw new UsageShown();
	}
}
