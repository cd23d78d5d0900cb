// SPDX-License-Identifier: MIT
import type { Arch } from '../../core/architectures.js';
import type { Cache } from '../../core/cache.js';
import type { Guest, GuestStart, GuestStarter } from '../machine.js';
import { type AcceleratorChoice, chooseAccelerator } from './accelerator.js';
import { QemuGuest } from './guest.js';

/** Starts QEMU guests, each architecture with the accelerator that was proven to work here. */
export class QemuStarter implements GuestStarter {
	private readonly choices = new Map<Arch, Promise<AcceleratorChoice>>();

	constructor(private readonly cache: Cache) {}

	async slowness(arch: Arch): Promise<number> {
		return (await this.choice(arch)).accelerator === 'tcg' ? 1 : 0.5;
	}

	async start(start: GuestStart): Promise<Guest> {
		const { accelerator } = await this.choice(start.spec.arch);
		return QemuGuest.start({ ...start, accelerator });
	}

	private choice(arch: Arch): Promise<AcceleratorChoice> {
		const known = this.choices.get(arch) ?? chooseAccelerator(arch, this.cache);
		this.choices.set(arch, known);
		return known;
	}
}
