// SPDX-License-Identifier: MIT
import { access, chmod, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arch, hostArch } from '../../core/architectures.js';
import type { Cache } from '../../core/cache.js';
import { errnoOf, messageOf } from '../../core/errors.js';
import { run } from '../../core/process.js';
import { QEMU_ARCHITECTURES, type QemuArchitecture } from './architectures.js';
import { confinement, isRoot } from './confinement.js';

export type Accelerator = 'kvm' | 'tcg';

export interface AcceleratorChoice {
	readonly accelerator: Accelerator;
	/** Why, for doctor and for the note at the start of a run. */
	readonly reason: string;
}

/** Raised when the probe changes. */
const PROBE_VERSION = 3;
/** QEMU's own start takes a fifth of this on a busy host. */
const PROBE_TIMEOUT_MS = 3000;

/** What runs a guest, for those who read of it: `QEMU 7.2.22, tcg`. */
export async function emulatorName(arch: Arch, accelerator: Accelerator): Promise<string> {
	return `QEMU ${await qemuVersion(arch)}, ${accelerator}`;
}

const versions = new Map<Arch, Promise<string>>();

/** Version of QEMU's binary for an architecture, as `7.2.22`. @throws naming the package when it is not installed. */
export function qemuVersion(arch: Arch): Promise<string> {
	const known = versions.get(arch) ?? askVersion(QEMU_ARCHITECTURES[arch]);
	versions.set(arch, known);
	known.catch(() => versions.delete(arch));
	return known;
}

async function askVersion({ binary, package: from }: QemuArchitecture): Promise<string> {
	const { stdout } = await run(binary, ['--version'], { package: from, timeoutMs: 20_000 });
	return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

/**
 * KVM or TCG for guests of `arch`. That /dev/kvm opens proves nothing: there are hosts where every guest then dies,
 * QEMU hangs, or instructions are interpreted far slower than under TCG. So a tiny guest with some work to do is run
 * under a deadline; the answer is kept per host boot and QEMU version.
 */
export async function chooseAccelerator(arch: Arch, cache: Cache): Promise<AcceleratorChoice> {
	if (hostArch !== arch) return { accelerator: 'tcg', reason: `${arch} guests are emulated on this host` };
	try {
		await access('/dev/kvm', constants.R_OK | constants.W_OK);
	} catch (error) {
		const why =
			errnoOf(error) === 'EACCES' ? 'this user may not open /dev/kvm (join group kvm)' : 'there is no /dev/kvm';
		return { accelerator: 'tcg', reason: why };
	}
	const key = `${PROBE_VERSION}${isRoot() ? '-root' : ''}-${(await bootId()).slice(0, 36)}-${await qemuVersion(arch)}-${arch}`;
	const file = cache.workPath('probe', `${key}.json`);
	const known = await readFile(file, 'utf8')
		.then((text) => parseChoice(JSON.parse(text)))
		.catch(() => undefined);
	if (known) return known;
	const choice = await probeKvm(QEMU_ARCHITECTURES[arch]);
	await mkdir(cache.workPath('probe'), { recursive: true });
	await writeFile(`${file}.${process.pid}`, JSON.stringify(choice));
	await rename(`${file}.${process.pid}`, file);
	return choice;
}

function parseChoice(value: unknown): AcceleratorChoice | undefined {
	if (typeof value !== 'object' || value === null || !('accelerator' in value) || !('reason' in value))
		return undefined;
	const { accelerator, reason } = value;
	if ((accelerator !== 'kvm' && accelerator !== 'tcg') || typeof reason !== 'string') return undefined;
	return { accelerator, reason };
}

/** Names this boot of the host (random(4)). */
export async function bootId(): Promise<string> {
	return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown')).trim();
}

/** Gives the program after it, which may not enter the folder of the file before it, that file as descriptor 3. */
const WITH_FILE = 'exec 3< "$1"; shift; exec "$@"';

async function probeKvm(record: QemuArchitecture): Promise<AcceleratorChoice> {
	const directory = await mkdtemp(join(tmpdir(), 'fencepost-probe-'));
	try {
		const payload = join(directory, 'payload');
		await writeFile(payload, record.probe.bytes());
		await chmod(payload, 0o644);
		const args = ['-machine', record.kvmMachine, '-accel', 'kvm', '-cpu', 'host', '-m', '64M', '-nodefaults'];
		const command = [
			...(await confinement('kvm')),
			...[record.binary, ...args, '-display', 'none', '-no-reboot', ...record.probe.devices],
			...[record.probe.option, '/proc/self/fd/3'],
		];
		await run('sh', ['-c', WITH_FILE, 'sh', payload, ...command], {
			timeoutMs: PROBE_TIMEOUT_MS,
			accept: [record.probeStatus],
		});
		return { accelerator: 'kvm', reason: 'KVM ran a probe guest' };
	} catch (error) {
		const why = firstLine(error);
		const reason =
			isRoot() && /access KVM kernel module: Permission denied/.test(why)
				? '/dev/kvm is for root only, and QEMU does not run as root (give it to group kvm)'
				: `/dev/kvm opens, but a probe guest failed under KVM: ${why}`;
		return { accelerator: 'tcg', reason };
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

function firstLine(error: unknown): string {
	const evidence = error instanceof Error && 'evidence' in error ? String(error.evidence ?? '') : '';
	return (evidence || messageOf(error)).split('\n')[0] ?? '';
}
