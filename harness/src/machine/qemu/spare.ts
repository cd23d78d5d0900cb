// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { sleep } from '../../core/clock.js';
import { infrastructureError } from '../../core/errors.js';
import { AgentSession } from '../agent/session.js';
import type { GuestFacts } from '../machine.js';
import { DESCRIPTORS } from './command-line.js';
import type { QemuProcess } from './process.js';
import { IGNORE_SHARED } from './template.js';

/** From spawning QEMU to a running guest takes 50 ms; this is for hosts that do much else. */
const RESUME_MS = 30_000;
/** What a guest's random number generator is reseeded with, in bytes: a ChaCha20 key (drivers/char/random.c). */
export const SEED_BYTES = 32;
/** A rehearsal takes 0.2 s. */
const REHEARSAL_MS = 10_000;
const REHEARSAL = { program: '/init', args: ['rehearse'], env: {}, deadlineMs: REHEARSAL_MS };

/** How long QEMU's end is waited for once something else has failed: it explains more. */
const END_MS = 300;

/** A clone that stands still: QEMU with its state, or about to have it, and its agent. */
export interface ReadyClone {
	readonly qemu: QemuProcess;
	readonly session: AgentSession;
	/** Why its rehearsal failed: it is good for nothing but what its console shows. */
	readonly failure?: unknown;
}

/**
 * A clone made before anybody asks for it. Under TCG it rehearses (guest/agent/rehearsal.h) for as long as nobody asks:
 * code that was translated then need not be when it counts. One that is waited for does not, since it would be late.
 */
export class Spare {
	/** Settles when QEMU has been started, or not. Never rejects. */
	readonly begun: Promise<unknown>;
	private readonly launched: Promise<ReadyClone>;
	private readonly ready: Promise<ReadyClone>;
	private wanted = false;

	constructor(launch: () => Promise<QemuProcess>, facts: GuestFacts, rehearses: boolean) {
		this.launched = launch().then((qemu) => ({ qemu, session: AgentSession.adopt(qemu.agent, facts) }));
		this.begun = this.launched.catch(() => {});
		this.ready = this.launched.then((clone) => prepare(clone, () => rehearses && !this.wanted));
		this.ready.catch(() => {});
	}

	/** To be called once. @throws FencepostError CLONE_FAILED with QEMU's words; whatever kept it from being started. */
	take(): Promise<ReadyClone> {
		this.wanted = true;
		return this.ready;
	}

	async stop(): Promise<void> {
		const clone = await this.launched.catch(() => undefined);
		clone?.session.close();
		await clone?.qemu.stop();
	}
}

async function prepare(clone: ReadyClone, mayRehearse: () => boolean): Promise<ReadyClone> {
	const { qemu } = clone;
	try {
		await Promise.all([
			qemu.qmp.execute('migrate-set-capabilities', IGNORE_SHARED),
			qemu.qmp.execute('migrate-incoming', { uri: `fd:${DESCRIPTORS.state}` }),
		]);
	} catch (error) {
		const end = await Promise.race([qemu.ended, sleep(END_MS).then(() => undefined)]);
		await qemu.stop();
		throw end ? restoreFailed(end.stderr, error) : error;
	}
	if (!mayRehearse()) return clone;
	return rehearse(clone, mayRehearse).then(
		() => clone,
		(failure: unknown) => ({ ...clone, failure }),
	);
}

/** All that is asked of the agent later is asked of it once, before it stands still. */
async function rehearse({ qemu, session }: ReadyClone, mayGoOn: () => boolean): Promise<void> {
	const signal = AbortSignal.timeout(REHEARSAL_MS);
	await goOn(qemu, signal);
	const seed = randomBytes(SEED_BYTES);
	await Promise.all([session.setClock(Date.now(), signal), session.seed(seed, signal), session.accounts(signal)]);
	if (mayGoOn()) await session.run(REHEARSAL, { stdout() {}, stderr() {} }, signal);
	await qemu.qmp.execute('stop');
}

/** Has a clone go on, once it has all its state. @throws FencepostError CLONE_FAILED with QEMU's words, CLONE_SILENT. */
export async function goOn(qemu: QemuProcess, signal: AbortSignal): Promise<void> {
	const giveUp = new AbortController();
	const silent = sleep(RESUME_MS, AbortSignal.any([signal, giveUp.signal])).then(() =>
		Promise.reject(infrastructureError('CLONE_SILENT', `a clone did not run within ${RESUME_MS / 1000} s`)),
	);
	silent.catch(() => {});
	try {
		// While the state is on its way, the command is noted, and the event tells of the deed.
		await Promise.race([Promise.all([qemu.qmp.execute('cont'), qemu.qmp.event('RESUME')]), silent]);
	} catch (error) {
		signal.throwIfAborted();
		const end = await Promise.race([qemu.ended, sleep(END_MS).then(() => undefined)]);
		throw end ? restoreFailed(end.stderr, error) : error;
	} finally {
		giveUp.abort();
	}
}

function restoreFailed(stderr: string, cause: unknown) {
	return infrastructureError('CLONE_FAILED', 'QEMU ended while it restored a clone', { evidence: stderr, cause });
}
