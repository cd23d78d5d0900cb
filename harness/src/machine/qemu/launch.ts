// SPDX-License-Identifier: MIT
import type { FileHandle } from 'node:fs/promises';
import type { GuestStart } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { type GuestRole, qemuCommandLine, repeatableCommandLine } from './command-line.js';
import { confinement } from './confinement.js';
import { openForQemu } from './inherited-file.js';
import { QemuProcess } from './process.js';

/** What QEMU inherits beside its sockets, by role: a template's memory and the folder for its state, a clone's state. */
export interface Inheritance {
	readonly memory?: FileHandle;
	readonly stateFolder?: FileHandle;
	readonly state?: Uint8Array;
}

/** Starts QEMU for a guest, confined, and says how. */
export async function launchQemu(
	start: Pick<GuestStart, 'spec' | 'consoleFile' | 'onConsole' | 'onCommand'>,
	accelerator: Accelerator,
	role: GuestRole,
	{ memory, stateFolder, state }: Inheritance,
): Promise<QemuProcess> {
	const { spec, consoleFile, onConsole } = start;
	const command = [...(await confinement(accelerator)), ...qemuCommandLine(spec, accelerator, role)];
	const files: FileHandle[] = [];
	try {
		const open = async (path: string) => {
			const file = await openForQemu(path);
			files.push(file);
			return file.fd;
		};
		const [kernel, initramfs] = [await open(spec.kernel), await open(spec.initramfs)];
		start.onCommand(repeatableCommandLine(spec, accelerator), command);
		return new QemuProcess({
			...{ command, kernel, initramfs, consoleFile, onConsole, state },
			...{ memory: memory?.fd, stateFolder: stateFolder?.fd },
		});
	} finally {
		// QEMU has them by now: a spawn is over when it returns.
		for (const file of files) await file.close();
	}
}
