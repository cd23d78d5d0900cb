// SPDX-License-Identifier: MIT
import { type FileHandle, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../core/clock.js';
import { infrastructureError, messageOf } from '../../core/errors.js';
import type { GuestFacts, TemplateStart } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { bootGuest } from './boot.js';
import { openMemoryFile, packMemory, unpackMemory } from './memory-file.js';
import type { Qmp } from './qmp.js';

/** Files of a template in the cache. */
const FILES = { memory: 'memory', state: 'state', console: 'console.log', facts: 'facts.json' } as const;

/** Devices' state is some 400 kB; a guest cannot make it larger by much. */
const MAX_STATE_BYTES = 64 * 1024 * 1024;
const SAVE_MS = 60_000;
const POLL_MS = 5;

/** RAM that both sides have as the same file stays out of the stream (QEMU, migration/ram.c). */
export const IGNORE_SHARED = { capabilities: [{ capability: 'x-ignore-shared', state: true }] };

/** Boots a guest and saves it into `directory`. @throws FencepostError TEMPLATE_REFUSED when QEMU cannot save this machine. */
export async function saveTemplate(start: TemplateStart, accelerator: Accelerator, directory: string): Promise<void> {
	const memory = await openMemoryFile(start.spec.machine.memoryMiB * 1024 * 1024);
	try {
		const guest = await bootGuest(start, accelerator, 'template', memory.fd);
		try {
			const { facts } = guest;
			await guest.settleConsole(start.signal);
			// Not stopped before: the state says whether the guest ran, and clones go on as it says.
			await writeFile(join(directory, FILES.state), await saveDevices(guest.qemu.qmp, start.signal));
			await guest.stop();
			await writeFile(join(directory, FILES.facts), JSON.stringify({ ...facts, more: [...facts.more] }));
			await writeFile(join(directory, FILES.console), await readFile(start.consoleFile));
			const packed = await open(join(directory, FILES.memory), 'wx');
			await packMemory(memory, packed).finally(() => packed.close());
		} finally {
			await guest.stop();
		}
	} finally {
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
async function saveDevices(qmp: Qmp, signal: AbortSignal): Promise<Buffer> {
	// Unix socket paths end at 107 bytes (unix(7)), so the socket lives in a short folder of its own.
	const directory = await mkdtemp(join(tmpdir(), 'fencepost-'));
	const server = createServer();
	try {
		const path = join(directory, 'state');
		const received = receive(server, path);
		received.catch(() => {});
		await qmp.execute('migrate-set-capabilities', IGNORE_SHARED);
		await qmp.execute('migrate', { uri: `unix:${path}` });
		await migrated(qmp, signal);
		return await received;
	} catch (error) {
		signal.throwIfAborted();
		throw infrastructureError('TEMPLATE_REFUSED', `QEMU cannot save this machine: ${messageOf(error)}`, {
			cause: error,
		});
	} finally {
		server.close();
		await rm(directory, { recursive: true, force: true });
	}
}

function receive(server: Server, path: string): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.once('connection', (socket) => {
			const chunks: Buffer[] = [];
			let bytes = 0;
			socket.on('error', reject);
			socket.on('data', (chunk: Buffer) => {
				bytes += chunk.length;
				if (bytes > MAX_STATE_BYTES) {
					socket.destroy();
					reject(infrastructureError('STATE_TOO_LONG', `the devices' state is more than ${MAX_STATE_BYTES} bytes`));
				}
				chunks.push(chunk);
			});
			socket.once('end', () => resolve(Buffer.concat(chunks)));
		});
		server.listen(path);
	});
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
