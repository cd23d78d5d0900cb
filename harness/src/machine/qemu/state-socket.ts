// SPDX-License-Identifier: MIT
import { type FileHandle, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { infrastructureError } from '../../core/errors.js';
import { inherited } from './command-line.js';
import { isRoot, NOBODY } from './confinement.js';

/** Devices' state is some 400 kB; a guest cannot make it larger by much. */
const MAX_STATE_BYTES = 64 * 1024 * 1024;
const NAME = 'state';

/**
 * Where QEMU 7.2 saves a guest's state to: of what it can be told over QMP alone, only a Unix socket is left by its
 * sandbox. Nobody else comes near: the socket is in a folder that belongs to QEMU, within one that only the harness may
 * enter, and both reach it by the folder's descriptor (so its path is short enough, too: unix(7)).
 */
export class StateSocket {
	private readonly server: Server = createServer();

	private constructor(
		private readonly outside: string,
		/** The folder that QEMU inherits as its `state`. */
		readonly folder: FileHandle,
	) {}

	static async make(): Promise<StateSocket> {
		const outside = await mkdtemp(join(tmpdir(), 'fencepost-'));
		try {
			const inside = join(outside, 'qemu');
			await mkdir(inside, { mode: 0o700 });
			const folder = await open(inside);
			if (isRoot()) await folder.chown(NOBODY.uid, NOBODY.gid);
			return new StateSocket(outside, folder);
		} catch (error) {
			await rm(outside, { recursive: true, force: true });
			throw error;
		}
	}

	/** What QMP's `migrate` is told. */
	get uri(): string {
		return `unix:${inherited('state')}/${NAME}`;
	}

	/** All that comes over the first connection. @throws FencepostError STATE_TOO_LONG. */
	receive(): Promise<Buffer> {
		return new Promise((resolve, reject) => {
			this.server.once('error', reject);
			this.server.once('connection', (socket) => {
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
			// Writable by all: its folder is not.
			this.server.listen({ path: `/proc/self/fd/${this.folder.fd}/${NAME}`, writableAll: true });
		});
	}

	async remove(): Promise<void> {
		this.server.close();
		await this.folder.close();
		await rm(this.outside, { recursive: true, force: true });
	}
}
