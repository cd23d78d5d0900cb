// SPDX-License-Identifier: MIT
import { sleep } from '../../core/clock.js';
import { FencepostError, infrastructureError } from '../../core/errors.js';
import { AgentSession } from '../agent/session.js';
import type { GuestEnd, GuestStart } from '../machine.js';
import { type Accelerator, emulatorName } from './accelerator.js';
import { QEMU_ARCHITECTURES } from './architectures.js';
import { type GuestRole, repeatableCommandLine } from './command-line.js';
import { QemuGuest } from './guest.js';
import { GuestClock } from './guest-clock.js';
import { guestCommand, type Inheritance, launchQemu } from './launch.js';
import type { QemuProcess } from './process.js';

const WATCH_MS = 100;
/** How long QEMU's end is waited for once something else has failed: it explains more. */
const END_MS = 300;

/**
 * Boots a guest and waits for its agent. @param inheritance what a template's QEMU gets to put itself into.
 * @throws FencepostError BOOT_* with the console's tail as evidence; blame `kernel` for a panic.
 */
export async function bootGuest(
	start: GuestStart,
	accelerator: Accelerator,
	role: Exclude<GuestRole, 'clone'>,
	inheritance: Inheritance = {},
): Promise<QemuGuest> {
	start.signal.throwIfAborted();
	const command = await guestCommand(start.spec, accelerator, role);
	const emulator = await emulatorName(start.spec.arch, accelerator);
	start.onCommand(repeatableCommandLine(start.spec, accelerator), command, emulator);
	const qemu = await launchQemu(start.spec, command, inheritance);
	qemu.openConsole(start.consoleFile, start.onConsole);
	try {
		return new QemuGuest(qemu, await awaitAgent(qemu, start), start.limits.hungMs);
	} catch (error) {
		await qemu.stop();
		throw error;
	}
}

async function awaitAgent(qemu: QemuProcess, start: GuestStart): Promise<AgentSession> {
	const giveUp = new AbortController();
	const signal = AbortSignal.any([start.signal, giveUp.signal]);
	try {
		return await Promise.race([
			AgentSession.open(qemu.agent, { signal, deadlineMs: start.limits.bootMs * 2 }),
			qemu.ended.then((end) => Promise.reject(bootEnded(end, qemu, start))),
			watchBoot(qemu, start, signal),
		]);
	} catch (error) {
		// A guest that is just ending explains more than the broken stream it leaves behind.
		const end = await Promise.race([qemu.ended, sleep(END_MS).then(() => undefined)]);
		throw end && !start.signal.aborted ? bootEnded(end, qemu, start) : error;
	} finally {
		giveUp.abort();
	}
}

/** Rejects when the boot is over its limits or falls silent; never resolves. */
async function watchBoot(qemu: QemuProcess, { limits }: GuestStart, signal: AbortSignal): Promise<never> {
	const clock = new GuestClock(qemu.pid);
	const { console: log } = qemu;
	let shownMs = log.lastByteMs;
	let shownAtMs = 0;
	for (;;) {
		await sleep(WATCH_MS, signal);
		const guestMs = clock.now();
		if (log.lastByteMs !== shownMs) {
			shownMs = log.lastByteMs;
			shownAtMs = guestMs;
		}
		const silentSeconds = Math.round((guestMs - shownAtMs) / 1000);
		if (guestMs - shownAtMs > limits.silenceMs) {
			const message =
				shownMs === undefined
					? `the kernel printed nothing for ${silentSeconds} s`
					: `the boot stopped: no console output for ${silentSeconds} s, and no word from the agent`;
			throw infrastructureError('BOOT_SILENT', message, {
				hint: 'is it a kernel for this architecture, with its serial console and virtio console built in?',
				evidence: log.tail(),
			});
		}
		if (guestMs > limits.bootMs) {
			throw infrastructureError('BOOT_TIMEOUT', `no word from the agent within ${limits.bootMs / 1000} s`, {
				hint: 'is CONFIG_VIRTIO_CONSOLE built in, or its module listed by the machine?',
				evidence: log.tail(),
			});
		}
	}
}

/** @param when `while booting` */
export function panicError(qemu: QemuProcess, when: string): FencepostError | undefined {
	const panic = /Kernel panic - not syncing.*/.exec(qemu.console.tail(400))?.[0];
	if (!panic) return undefined;
	const message = `the kernel panicked ${when}: ${panic}`;
	return new FencepostError({ code: 'BOOT_PANIC', blame: 'kernel', message, evidence: qemu.console.tail(40) });
}

function bootEnded(end: GuestEnd, qemu: QemuProcess, start: GuestStart): FencepostError {
	const panic = panicError(qemu, 'while booting');
	if (panic) return panic;
	const { binary } = QEMU_ARCHITECTURES[start.spec.arch];
	if (/^setpriv: /m.test(end.stderr)) {
		return infrastructureError('QEMU_UNCONFINED', `${binary} could not be started without privileges`, {
			hint: 'run as an ordinary user, or as root with the capabilities SETUID, SETGID and SETPCAP',
			evidence: end.stderr,
		});
	}
	const how = end.signal ? `was killed by ${end.signal}` : `ended with status ${end.status ?? 'unknown'}`;
	return infrastructureError('BOOT_ENDED', `${binary} ${how} before the agent spoke`, {
		hint: `is the kernel one that ${binary} can boot? its command line is in the run directory`,
		evidence: `${end.stderr}\n${qemu.console.tail()}`.trim(),
	});
}
