// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Arch } from '../../core/architectures.js';
import type { Cache } from '../../core/cache.js';
import { contentId } from '../../core/hash.js';
import { Progress } from '../../core/progress.js';
import { PROTOCOL_VERSION } from '../agent/frame.js';
import type { Guest, GuestStart, GuestStarter, Template, TemplateStart } from '../machine.js';
import { type Accelerator, type AcceleratorChoice, bootId, chooseAccelerator, qemuVersion } from './accelerator.js';
import { bootGuest } from './boot.js';
import { QemuTemplate } from './clone.js';
import { kernelCommandLine, qemuCommandLine } from './command-line.js';
import { withDeviceTree } from './devicetree.js';
import { saveTemplate } from './template.js';

/** Raised when what a template holds changes. */
const TEMPLATE_FORMAT = '1';
/** For all templates together, some 12 MB each; a tenth of the room that is free where that is less. Those used longest ago go. */
const TEMPLATES_BOUND = { maxBytes: 4 * 1024 ** 3, freeShare: 0.1 };

/** Starts QEMU guests, each architecture with the accelerator that was proven to work here. */
export class QemuStarter implements GuestStarter {
	private readonly choices = new Map<Arch, Promise<AcceleratorChoice>>();

	constructor(private readonly cache: Cache) {}

	async slowness(arch: Arch): Promise<number> {
		return (await this.choice(arch)).accelerator === 'tcg' ? 1 : 0.5;
	}

	async start(start: GuestStart): Promise<Guest> {
		const { accelerator } = await this.choice(start.spec.arch);
		return bootGuest(await this.complete(start, accelerator), accelerator, 'boot');
	}

	async template(asked: TemplateStart): Promise<Template> {
		const { accelerator } = await this.choice(asked.spec.arch);
		const start = await this.complete(asked, accelerator);
		const id = await templateId(start, accelerator);
		let cached = true;
		const { path } = await this.cache.entry('templates', id, start.progress, async (directory) => {
			cached = false;
			await saveTemplate(start, accelerator, directory);
			return { identity: start.spec.identity };
		});
		if (!cached) await this.cache.keepWithin('templates', TEMPLATES_BOUND);
		return QemuTemplate.open(path, start, accelerator, cached);
	}

	private async complete<T extends GuestStart>(start: T, accelerator: Accelerator): Promise<T> {
		const progress = new Progress('device tree', start.signal);
		return { ...start, spec: await withDeviceTree(start.spec, accelerator, this.cache, progress) };
	}

	private choice(arch: Arch): Promise<AcceleratorChoice> {
		const known = this.choices.get(arch) ?? chooseAccelerator(arch, this.cache);
		this.choices.set(arch, known);
		return known;
	}
}

/** Everything that a saved guest depends on: another value of any of it, another template. */
async function templateId({ spec }: TemplateStart, accelerator: Accelerator): Promise<string> {
	const files = { ...spec, kernel: '', initramfs: '' };
	return contentId({
		format: TEMPLATE_FORMAT,
		protocol: String(PROTOCOL_VERSION),
		identity: spec.identity,
		machine: JSON.stringify(qemuCommandLine(files, accelerator, 'template')),
		words: kernelCommandLine(spec.arch, spec.machine),
		// Its folder in the cache is called by what it holds.
		deviceTree: spec.deviceTree === undefined ? '' : basename(dirname(spec.deviceTree)),
		qemu: await qemuVersion(spec.arch),
		// Under KVM a guest has the host's processor, and counts its time by it.
		host: accelerator === 'kvm' ? `${await bootId()} ${await processorFlags()}` : '',
	});
}

async function processorFlags(): Promise<string> {
	const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
	return /^(?:flags|Features)\s*:.*$/m.exec(text)?.[0] ?? '';
}
