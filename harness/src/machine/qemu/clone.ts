// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { infrastructureError } from '../../core/errors.js';
import type { CloneStart, GuestFacts, Template, TemplateStart } from '../machine.js';
import { type Accelerator, emulatorName } from './accelerator.js';
import { panicError } from './boot.js';
import { repeatableCommandLine } from './command-line.js';
import { QemuGuest } from './guest.js';
import { guestCommand, launchQemu } from './launch.js';
import { goOn, type ReadyClone, SEED_BYTES, Spare } from './spare.js';
import { loadTemplate, type SavedGuest } from './template.js';

/**
 * A template of the cache, its memory in place, ready to be cloned. The next clone is always made ahead: most of what
 * one takes is QEMU's own start, and translating code.
 */
export class QemuTemplate implements Template {
	private spare: Spare;
	private closed = false;
	/** Only emulated guests gain by it; given up when one fails. */
	private rehearses: boolean;

	private constructor(
		private readonly start: TemplateStart,
		private readonly accelerator: Accelerator,
		private readonly emulator: string,
		private readonly command: readonly string[],
		private readonly saved: SavedGuest,
		readonly cached: boolean,
	) {
		this.rehearses = accelerator === 'tcg';
		this.spare = this.prepare(Promise.resolve());
	}

	/** @param cached whether its console is still to be shown: nothing was booted now */
	static async open(
		directory: string,
		start: TemplateStart,
		accelerator: Accelerator,
		cached: boolean,
	): Promise<QemuTemplate> {
		const command = await guestCommand(start.spec, accelerator, 'clone');
		const saved = await loadTemplate(directory, start.spec.machine.memoryMiB);
		if (cached) {
			await writeFile(start.consoleFile, saved.console);
			start.onConsole(saved.console);
		}
		const emulator = await emulatorName(start.spec.arch, accelerator);
		return new QemuTemplate(start, accelerator, emulator, command, saved, cached);
	}

	get facts(): GuestFacts {
		return this.saved.facts;
	}

	async clone(start: CloneStart): Promise<QemuGuest> {
		const { consoleFile, onConsole, onCommand, signal, limits } = start;
		signal.throwIfAborted();
		if (this.closed) throw closedError();
		onCommand(repeatableCommandLine(this.start.spec, this.accelerator), this.command, this.emulator);
		const { qemu, session } = await this.rehearsed(start, await this.take());
		try {
			qemu.openConsole(consoleFile, onConsole);
			await goOn(qemu, signal);
			// The clones of a template would all have its time and its random numbers. The agent does one thing after the
			// other: what it is asked for next comes after these, and counts only when these went well.
			const renewed = Promise.all([
				session.setClock(Date.now(), signal),
				session.seed(randomBytes(SEED_BYTES), signal),
			]);
			return new QemuGuest(qemu, session, limits.hungMs, renewed);
		} catch (error) {
			await qemu.stop();
			throw error;
		}
	}

	async close(): Promise<void> {
		this.closed = true;
		await this.spare.stop();
		await this.saved.memory.close();
	}

	/** The clone that stands ready, or is about to. One that was lost while it waited is made again. */
	private async take(): Promise<ReadyClone> {
		const taken = this.spare;
		// First this one, then the next: two that start at a time start late.
		this.spare = this.prepare(taken.begun);
		const ready = await taken.take();
		return ready.qemu.over && !ready.failure ? this.prepare(Promise.resolve()).take() : ready;
	}

	/** A rehearsal that failed is evidence: what its console shows is heard, and a panic is the clone's. */
	private async rehearsed({ consoleFile, onConsole }: CloneStart, ready: ReadyClone): Promise<ReadyClone> {
		if (!ready.failure) return ready;
		ready.qemu.openConsole(consoleFile, onConsole);
		await ready.qemu.stop();
		const panic = panicError(ready.qemu, 'before a clone had anything to do');
		if (panic) throw panic;
		this.rehearses = false;
		return this.prepare(Promise.resolve()).take();
	}

	private prepare(after: Promise<unknown>): Spare {
		const { memory, state, facts } = this.saved;
		const launch = async () => {
			await after;
			if (this.closed) throw closedError();
			return launchQemu(this.start.spec, this.command, { memory, state });
		};
		return new Spare(launch, facts, this.rehearses);
	}
}

function closedError() {
	return infrastructureError('TEMPLATE_CLOSED', 'a clone of a template that is closed');
}
