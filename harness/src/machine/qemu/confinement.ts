// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import { getuid } from 'node:process';
import type { Accelerator } from './accelerator.js';

/** Who QEMU is when the harness is root: Linux's own overflow ids, which Debian calls nobody and nogroup. */
export const NOBODY = { uid: 65534, gid: 65534 } as const;

const KVM = '/dev/kvm';

/** Whether QEMU is started as `NOBODY`, so that what it opens must be given to it. */
export function isRoot(): boolean {
	return getuid?.() === 0;
}

/**
 * Words before QEMU's command line: setpriv(1) starts it without anything that a guest which broke out of it could
 * use. It dies with the harness, gains nothing by executing anything, and under root it is nobody, without groups and
 * capabilities. (QEMU's own -runas would undo the first: the kernel forgets a parent-death signal when credentials
 * change, kernel/cred.c.) Under KVM it keeps the one group that may open /dev/kvm.
 */
export async function confinement(accelerator: Accelerator): Promise<string[]> {
	const always = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'];
	if (!isRoot()) return always;
	const group = accelerator === 'kvm' ? await kvmGroup() : undefined;
	return [
		...always,
		...['--reuid', String(NOBODY.uid), '--regid', String(NOBODY.gid)],
		...(group === undefined ? ['--clear-groups'] : ['--groups', String(group)]),
		...['--inh-caps=-all', '--bounding-set=-all'],
	];
}

/** The group that /dev/kvm is open to; undefined when that is nobody's but root's, or everybody. */
async function kvmGroup(): Promise<number | undefined> {
	const found = await stat(KVM).catch(() => undefined);
	return found && found.gid !== 0 && (found.mode & 0o060) === 0o060 ? found.gid : undefined;
}

/** What of the harness's environment QEMU gets: a guest that broke out of it finds no one's tokens there. */
export function confinedEnvironment(): Record<string, string> {
	const kept = Object.entries(process.env).filter(([name]) => KEPT.has(name) || name.startsWith('FENCEPOST_'));
	return Object.fromEntries(kept.map(([name, value]) => [name, value ?? '']));
}

const KEPT: ReadonlySet<string> = new Set(['PATH', 'LD_LIBRARY_PATH', 'LANG', 'LC_ALL', 'TMPDIR']);
