// SPDX-License-Identifier: MIT
import type { FileHandle } from 'node:fs/promises';
import type { GuestSpec } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { type GuestRole, qemuCommandLine } from './command-line.js';
import { confinement } from './confinement.js';
import { openForQemu } from './inherited-file.js';
import { QemuProcess } from './process.js';

/** What QEMU inherits beside its sockets, by role: a template's memory and the folder for its state, a clone's state. */
export interface Inheritance {
	readonly memory?: FileHandle;
	readonly stateFolder?: FileHandle;
	readonly state?: Uint8Array;
}

/** What is executed for a guest: QEMU, confined. */
export async function guestCommand(spec: GuestSpec, accelerator: Accelerator, role: GuestRole): Promise<string[]> {
	return [...(await confinement(accelerator)), ...qemuCommandLine(spec, accelerator, role)];
}

/** Starts QEMU. @param command of `guestCommand` */
export async function launchQemu(
	spec: GuestSpec,
	command: readonly string[],
	{ memory, stateFolder, state }: Inheritance,
): Promise<QemuProcess> {
	const files: FileHandle[] = [];
	try {
		const open = async (path: string) => {
			const file = await openForQemu(path);
			files.push(file);
			return file.fd;
		};
		const [kernel, initramfs] = [await open(spec.kernel), await open(spec.initramfs)];
		const deviceTree = spec.deviceTree === undefined ? undefined : await open(spec.deviceTree);
		const inherited = { kernel, initramfs, deviceTree, state, memory: memory?.fd, stateFolder: stateFolder?.fd };
		return new QemuProcess({ command, ...inherited });
	} finally {
		// QEMU has them by now: a spawn is over when it returns.
		for (const file of files) await file.close();
	}
}
