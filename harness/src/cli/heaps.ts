// SPDX-License-Identifier: MIT
import { Command } from 'commander';
import { ARCHES } from '../core/architectures.js';
import { collect } from './collect.js';

/** What commander hands over; the same names as the options. */
export interface HeapsOptions {
	readonly kernel?: string[];
	readonly arch?: string[];
	readonly machine?: string[];
	readonly module?: string[];
	readonly json?: boolean;
}

const NOTES = `
Each machine is booted, and its heaps are tried out by the suite "constraints"; nothing is taken from what a kernel or
a machine says of itself.
  contiguous  every buffer, from a page to 4 MiB, is one piece of memory
  pieces      the shortest and the longest piece of memory that was seen
  aligned     every buffer begins at a multiple of this
  highest     the highest address that was seen: a device must reach so far, or be bounced
  32 bits     whether a device of 32 bits can have a buffer mapped: yes, bounced or no
  zeroed      a new buffer is all zeros, though its memory was written to before
  programs    a program can map a buffer
  cached      such a mapping goes through the processor's caches
  kernel      a driver can map a buffer for itself
  devices     what one device writes another reads without any help of a processor

Examples:
  fencepost heaps
  fencepost heaps --kernel source:newest --arch arm64 --machine cma-regions
  fencepost heaps --kernel source:6.12 --arch x86_64 --module ./drivers/acme-heap --json`;

export function heapsCommand(): Command {
	return new Command('heaps')
		.description('Boots machines, and tells what each of their heaps can serve: measured, not declared.')
		.option('--kernel <selector>', 'kernel to boot, repeatable (default: source:6.12)', collect)
		.option('--arch <arch>', `architecture, repeatable: ${ARCHES.join(' or ')}`, collect)
		.option('--machine <name>', 'machine to boot, repeatable; kernels/machines.yaml has the ready-made ones', collect)
		.option('--module <dir>', 'source of an out-of-tree module to build and load first, repeatable', collect)
		.option('--json', 'as JSON, one object a heap')
		.addHelpText('after', NOTES)
		.action(async (options: HeapsOptions) => {
			const { performHeaps } = await import('./heaps-action.js');
			process.exitCode = await performHeaps(options);
		});
}
