// SPDX-License-Identifier: MIT
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../core/clock.js';
import { infrastructureError, messageOf } from '../../core/errors.js';
import type { GuestFacts, TemplateStart } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { bootGuest } from './boot.js';
import { openMemoryFile, packMemory, unpackMemory } from './memory-file.js';
import type { Qmp } from './qmp.js';
import { StateSocket } from './state-socket.js';

/** Files of a template in the cache. */
const FILES = { memory: 'memory', state: 'state', console: 'console.log', facts: 'facts.json' } as const;

const SAVE_MS = 60_000;
const POLL_MS = 5;

/** RAM that both sides have as the same file stays out of the stream (QEMU, migration/ram.c). */
export const IGNORE_SHARED = { capabilities: [{ capability: 'x-ignore-shared', state: true }] };

/** Boots a guest and saves it into `directory`. @throws FencepostError TEMPLATE_REFUSED when QEMU cannot save this machine. */
export async function saveTemplate(start: TemplateStart, accelerator: Accelerator, directory: string): Promise<void> {
	const memory = await openMemoryFile(start.spec.machine.memoryMiB * 1024 * 1024);
	const socket = await StateSocket.make();
	try {
		const guest = await bootGuest(start, accelerator, 'template', { memory, stateFolder: socket.folder });
		try {
			const { facts } = guest;
			await guest.settleConsole(start.signal);
			// Not stopped before: the state says whether the guest ran, and clones go on as it says.
			await writeFile(join(directory, FILES.state), await saveDevices(guest.qemu.qmp, socket, start.signal));
			await guest.stop();
			await writeFile(join(directory, FILES.facts), JSON.stringify({ ...facts, more: [...facts.more] }));
			await writeFile(join(directory, FILES.console), await readFile(start.consoleFile));
			const packed = await open(join(directory, FILES.memory), 'wx');
			await packMemory(memory, packed).finally(() => packed.close());
		} finally {
			await guest.stop();
		}
	} finally {
		await socket.remove();
		await memory.close();
	}
}

/** A saved guest, its memory in place. */
export interface SavedGuest {
	readonly facts: GuestFacts;
	readonly console: Buffer;
	readonly state: Buffer;
	/** Its memory, in a file that no name leads to. The owner closes it. */
	readonly memory: FileHandle;
}

/** Reads what `saveTemplate` wrote; the cache has checked it against its hashes. */
export async function loadTemplate(directory: string, memoryMiB: number): Promise<SavedGuest> {
	const read = (name: string) => readFile(join(directory, name));
	const facts = JSON.parse(await readFile(join(directory, FILES.facts), 'utf8')) as GuestFacts & {
		readonly more: readonly (readonly [string, string])[];
	};
	const memory = await openMemoryFile(memoryMiB * 1024 * 1024);
	try {
		await unpackMemory(await read(FILES.memory), memory);
		return {
			facts: { ...facts, more: new Map(facts.more) },
			console: await read(FILES.console),
			state: await read(FILES.state),
			memory,
		};
	} catch (error) {
		await memory.close();
		throw error;
	}
}

/** The state of a guest's devices; its memory stays in its file. The guest is stopped then, for good. */
async function saveDevices(qmp: Qmp, socket: StateSocket, signal: AbortSignal): Promise<Buffer> {
	try {
		const received = socket.receive();
		received.catch(() => {});
		await qmp.execute('migrate-set-capabilities', IGNORE_SHARED);
		await qmp.execute('migrate', { uri: socket.uri });
		await migrated(qmp, signal);
		return await received;
	} catch (error) {
		signal.throwIfAborted();
		throw infrastructureError('TEMPLATE_REFUSED', `QEMU cannot save this machine: ${messageOf(error)}`, {
			cause: error,
		});
	}
}

async function migrated(qmp: Qmp, signal: AbortSignal): Promise<void> {
	const deadline = AbortSignal.any([signal, AbortSignal.timeout(SAVE_MS)]);
	for (;;) {
		const answer = await qmp.execute('query-migrate');
		const { status, 'error-desc': why } = answer as Readonly<Record<string, unknown>>;
		if (status === 'completed') return;
		if (status === 'failed' || status === 'cancelled') {
			throw infrastructureError('MIGRATION_FAILED', String(why ?? `its migration ${status}`));
		}
		await sleep(POLL_MS, deadline);
	}
}
