// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { nowMs, timestamp } from '../core/clock.js';
import { FencepostError } from '../core/errors.js';
import { shellQuote } from '../core/process.js';
import type { Guest } from '../machine/machine.js';
import type { Splat } from '../verdict/verdict.js';
import { ConsoleWatch } from './console-watch.js';
import type { RunContext, Target } from './context.js';
import { guestSlowness } from './deadlines.js';

/** A booted guest, its console being watched. */
export interface LaunchedGuest {
	readonly id: string;
	readonly guest: Guest;
	readonly watch: ConsoleWatch;
	/** Relative to the run directory. */
	readonly consoleFile: string;
	/** Factor on deadlines: emulation, debug kernels. */
	readonly slowness: number;
}

const BOOT_MS = 60_000;
const SILENCE_MS = 8_000;
const HUNG_MS = 10_000;

/** Numbers guests of a run, for file names. */
export class GuestCounter {
	private count = 0;

	next(target: Target): string {
		const name = `${target.selector.text}-${target.kernel.arch}-${target.machine.name}`
			.replace(/[^\w.-]+/g, '_')
			.slice(-80);
		return `${String(++this.count).padStart(3, '0')}-${name}`;
	}
}

/** Boots a guest for a target. @throws FencepostError BOOT_* with the console's tail. */
export async function launchGuest(target: Target, context: RunContext, counter: GuestCounter): Promise<LaunchedGuest> {
	const { kernel, machine } = target;
	const id = counter.next(target);
	const consoleFile = join(context.directory, 'consoles', `${id}.log`);
	await mkdir(dirname(consoleFile), { recursive: true });
	const slowness = guestSlowness(kernel, await context.starter.slowness(kernel.arch));
	const watch = new ConsoleWatch();
	const common = { guest: id, kernel: target.selector.text, arch: kernel.arch, machine: machine.name };
	const progress = context.progress.for(`${target.selector.text} ${kernel.arch} ${machine.name}`);
	const startedMs = nowMs();
	const boot = progress.phase('boot', () =>
		context.starter.start({
			spec: { arch: kernel.arch, machine, kernel: kernel.image, initramfs: target.initramfs },
			limits: { bootMs: BOOT_MS * slowness, silenceMs: SILENCE_MS * slowness, hungMs: HUNG_MS * slowness },
			consoleFile,
			onConsole: (bytes) => watch.push(bytes),
			onCommand: (command) =>
				context.emit({
					type: 'guest-start',
					time: timestamp(),
					...common,
					command: [shellQuote(command)],
					console: relative(context.directory, consoleFile),
				}),
			signal: progress.signal,
		}),
	);
	const guest = await boot.catch((error: unknown) => {
		watch.end();
		throw blamedOnReports(error, watch.take());
	});
	context.emit({
		type: 'guest-ready',
		time: timestamp(),
		guest: id,
		bootMs: Math.round(nowMs() - startedMs),
		facts: { ...guest.facts, more: Object.fromEntries(guest.facts.more) },
	});
	void guest.ended.then((end) => {
		watch.end();
		context.emit({ type: 'guest-end', time: timestamp(), guest: id, how: end.kind });
	});
	return { id, guest, watch, consoleFile: relative(context.directory, consoleFile), slowness };
}

/** A boot that fails after its kernel reported something is the kernel's fault, whatever else it looks like. */
function blamedOnReports(error: unknown, [first]: readonly Splat[]): unknown {
	if (!first || !(error instanceof FencepostError) || error.blame === 'kernel') return error;
	return new FencepostError({
		code: 'BOOT_REPORT',
		blame: 'kernel',
		message: `${first.title}; then ${error.message}`,
		evidence: first.report,
		cause: error,
	});
}
