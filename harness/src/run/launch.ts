// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { nowMs, timestamp } from '../core/clock.js';
import { FencepostError } from '../core/errors.js';
import { shellQuote } from '../core/process.js';
import type { Guest, GuestFacts, Template, TemplateStart } from '../machine/machine.js';
import { toldReport } from '../verdict/splat/told.js';
import type { Splat } from '../verdict/verdict.js';
import { ConsoleWatch } from './console-watch.js';
import { type RunContext, type Target, targetProgress } from './context.js';
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
/** The agent speaks twice a second, ahead of every ordinary process; this is guest time, which a busy host stops. */
const HUNG_MS = 5_000;

/** Numbers guests of a run, for file names. */
export class GuestCounter {
	/** @param count guests that earlier parts of the run had */
	constructor(private count = 0) {}

	next(target: Target): string {
		const name = `${target.selector.text}-${target.kernel.arch}-${target.machine.name}`
			.replace(/[^\w.-]+/g, '_')
			.slice(-80);
		return `${String(++this.count).padStart(3, '0')}-${name}`;
	}
}

/**
 * A running guest for a target: a clone where there is a template, else booted. @throws FencepostError BOOT_* with the
 * console's tail, CLONE_*.
 */
export async function launchGuest(
	target: Target,
	context: RunContext,
	counter: GuestCounter,
	template?: Template,
): Promise<LaunchedGuest> {
	const launch = await prepareLaunch(target, context, counter);
	const { id, watch, consoleFile, slowness, start } = launch;
	const startedMs = nowMs();
	const guest = await (template
		? template.clone(start)
		: start.progress
				.phase('boot', () => context.starter.start(start))
				.catch((error: unknown) => {
					watch.end();
					throw blamedOnReports(error, watch.take());
				}));
	context.emit({
		type: 'guest-ready',
		time: timestamp(),
		guest: id,
		bootMs: Math.round(nowMs() - startedMs),
		...(template ? {} : { facts: writtenFacts(guest.facts) }),
	});
	guest.ended
		.then((end) => {
			watch.end();
			context.emit({ type: 'guest-end', time: timestamp(), guest: id, how: end.kind });
		})
		// A log that cannot be written has ended the run already.
		.catch(() => {});
	return { id, guest, watch, consoleFile: relative(context.directory, consoleFile), slowness };
}

/** A template for a target, with what its kernel reported while it booted. */
export interface OpenedTemplate {
	readonly template: Template;
	readonly splats: readonly Splat[];
	/** Relative to the run directory. */
	readonly consoleFile: string;
}

/** Boots a target once, or finds it booted in the cache. @throws FencepostError BOOT_*, TEMPLATE_REFUSED. */
export async function openTemplate(
	target: Target,
	context: RunContext,
	counter: GuestCounter,
): Promise<OpenedTemplate> {
	const { id, watch, consoleFile, start } = await prepareLaunch(target, context, counter);
	const startedMs = nowMs();
	try {
		const template = await start.progress.phase('boot', () => context.starter.template(start));
		watch.end();
		context.emit({
			type: 'guest-ready',
			time: timestamp(),
			guest: id,
			bootMs: Math.round(nowMs() - startedMs),
			template: template.cached ? 'cached' : 'made',
			facts: writtenFacts(template.facts),
		});
		context.emit({ type: 'guest-end', time: timestamp(), guest: id, how: 'saved' });
		return { template, splats: watch.take(), consoleFile: relative(context.directory, consoleFile) };
	} catch (error) {
		watch.end();
		throw blamedOnReports(error, watch.take());
	}
}

interface Launch {
	readonly id: string;
	readonly watch: ConsoleWatch;
	readonly consoleFile: string;
	readonly slowness: number;
	readonly start: TemplateStart;
}

async function prepareLaunch(target: Target, context: RunContext, counter: GuestCounter): Promise<Launch> {
	const { kernel, machine, initramfs, identity } = target;
	const id = counter.next(target);
	const consoleFile = join(context.directory, 'consoles', `${id}.log`);
	await mkdir(dirname(consoleFile), { recursive: true });
	const slowness = guestSlowness(kernel, await context.starter.slowness(kernel.arch));
	const watch = new ConsoleWatch();
	const common = { guest: id, kernel: target.selector.text, arch: kernel.arch, machine: machine.name };
	const progress = targetProgress(context, target);
	const start: TemplateStart = {
		spec: { arch: kernel.arch, machine, kernel: kernel.image, initramfs, identity },
		limits: { bootMs: BOOT_MS * slowness, silenceMs: SILENCE_MS * slowness, hungMs: HUNG_MS * slowness },
		consoleFile,
		onConsole: (bytes) => watch.push(bytes),
		onCommand: (command, _exact, emulator) =>
			context.emit({
				type: 'guest-start',
				time: timestamp(),
				...common,
				command: [shellQuote(command)],
				emulator,
				console: relative(context.directory, consoleFile),
			}),
		signal: progress.signal,
		progress,
	};
	return { id, watch, consoleFile, slowness, start };
}

function writtenFacts(facts: GuestFacts): Readonly<Record<string, unknown>> {
	return { ...facts, more: Object.fromEntries(facts.more) };
}

/**
 * A boot that fails after its kernel reported something is the kernel's fault, whatever else it looks like; a panic that
 * the machine saw by itself is told as its report is.
 */
function blamedOnReports(error: unknown, [first]: readonly Splat[]): unknown {
	if (!first || !(error instanceof FencepostError)) return error;
	const told = toldReport(first);
	const panicked = error.blame === 'kernel';
	return new FencepostError({
		code: panicked ? error.code : 'BOOT_REPORT',
		blame: 'kernel',
		message: error.message.includes(first.title)
			? error.message.replace(first.title, () => told)
			: `${told}; then ${error.message}`,
		evidence: panicked ? error.evidence : first.report,
		cause: error,
	});
}
