// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { sleep } from '../../core/clock.js';
import { infrastructureError } from '../../core/errors.js';
import { AgentSession } from '../agent/session.js';
import type { CloneStart, GuestFacts, Template, TemplateStart } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { DESCRIPTORS } from './command-line.js';
import { QemuGuest } from './guest.js';
import { launchQemu } from './launch.js';
import type { QemuProcess } from './process.js';
import { IGNORE_SHARED, loadTemplate, type SavedGuest } from './template.js';

/** From spawning QEMU to a running guest takes 50 ms; this is for hosts that do much else. */
const RESUME_MS = 30_000;
/** What a guest's random number generator is reseeded with, in bytes: a ChaCha20 key (drivers/char/random.c). */
const SEED_BYTES = 32;

/** A template of the cache, its memory in place, ready to be cloned. */
export class QemuTemplate implements Template {
	private constructor(
		private readonly start: TemplateStart,
		private readonly accelerator: Accelerator,
		private readonly saved: SavedGuest,
		readonly cached: boolean,
	) {}

	/** @param cached whether its console is still to be shown: nothing was booted now */
	static async open(
		directory: string,
		start: TemplateStart,
		accelerator: Accelerator,
		cached: boolean,
	): Promise<QemuTemplate> {
		const saved = await loadTemplate(directory, start.spec.machine.memoryMiB);
		if (cached) {
			await writeFile(start.consoleFile, saved.console);
			start.onConsole(saved.console);
		}
		return new QemuTemplate(start, accelerator, saved, cached);
	}

	get facts(): GuestFacts {
		return this.saved.facts;
	}

	async clone(start: CloneStart): Promise<QemuGuest> {
		const { signal, limits } = start;
		signal.throwIfAborted();
		const { memory, state, facts } = this.saved;
		const qemu = await launchQemu({ ...start, spec: this.start.spec }, this.accelerator, 'clone', { memory, state });
		try {
			const session = AgentSession.adopt(qemu.agent, facts);
			await resume(qemu, signal);
			// The clones of a template would all have its time and its random numbers.
			await Promise.all([session.setClock(Date.now(), signal), session.seed(randomBytes(SEED_BYTES), signal)]);
			return new QemuGuest(qemu, session, limits.hungMs);
		} catch (error) {
			await qemu.stop();
			throw error;
		}
	}

	close(): Promise<void> {
		return this.saved.memory.close();
	}
}

/** Has QEMU take the state in and go on. @throws FencepostError CLONE_FAILED with QEMU's words, CLONE_SILENT. */
async function resume(qemu: QemuProcess, signal: AbortSignal): Promise<void> {
	const giveUp = new AbortController();
	const ordered = Promise.all([
		qemu.qmp.execute('migrate-set-capabilities', IGNORE_SHARED),
		qemu.qmp.execute('migrate-incoming', { uri: `fd:${DESCRIPTORS.state}` }),
		qemu.qmp.event('RESUME'),
	]);
	const silent = sleep(RESUME_MS, AbortSignal.any([signal, giveUp.signal])).then(() =>
		Promise.reject(infrastructureError('CLONE_SILENT', `a clone did not run within ${RESUME_MS / 1000} s`)),
	);
	silent.catch(() => {});
	try {
		await Promise.race([ordered, silent]);
	} catch (error) {
		signal.throwIfAborted();
		const end = await Promise.race([qemu.ended, sleep(300).then(() => undefined)]);
		if (!end) throw error;
		throw infrastructureError('CLONE_FAILED', 'QEMU ended while it restored a clone', {
			evidence: end.stderr,
			cause: error,
		});
	} finally {
		giveUp.abort();
	}
}
