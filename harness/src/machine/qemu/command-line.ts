// SPDX-License-Identifier: MIT
import type { Arch } from '../../core/architectures.js';
import type { CmaReservation, GuestSpec, MachineDeclaration } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { QEMU_ARCHITECTURES, type QemuArchitecture } from './architectures.js';

/** Name of the agent's virtio-serial port; the agent looks for it below /sys/class/virtio-ports. */
export const AGENT_PORT = 'org.fencepost.agent';

/** `cma=64M@0x10M-512M`, as Documentation/admin-guide/kernel-parameters.txt has it: cma=nn[MG]@[start[MG][-end[MG]]]. */
function cmaWord(cma: CmaReservation): string {
	const place = cma.baseMiB === undefined && cma.limitMiB === undefined ? '' : `@${cma.baseMiB ?? 0}M`;
	const limit = cma.limitMiB === undefined ? '' : `-${cma.limitMiB}M`;
	return `cma=${cma.sizeMiB}M${place}${limit}`;
}

/** The kernel command line of a machine. `panic=-1` with QEMU's -no-reboot makes a panic end QEMU at once. */
export function kernelCommandLine(arch: Arch, machine: MachineDeclaration): string {
	const { listLimit, sizeLimitMiB } = machine.udmabuf;
	return [
		...QEMU_ARCHITECTURES[arch].consoleWords,
		...QEMU_ARCHITECTURES[arch].bootWords,
		'panic=-1',
		'printk.devkmsg=on',
		'loglevel=6',
		...(machine.cma ? [cmaWord(machine.cma)] : []),
		...(machine.hugepages > 0 ? [`hugepages=${machine.hugepages}`] : []),
		...(listLimit === undefined ? [] : [`udmabuf.list_limit=${listLimit}`]),
		...(sizeLimitMiB === undefined ? [] : [`udmabuf.size_limit_mb=${sizeLimitMiB}`]),
		...(machine.modules.length > 0 ? [`fencepost.modules=${machine.modules.join(',')}`] : []),
		...machine.cmdline,
	].join(' ');
}

/**
 * QEMU's whole command line: no default devices, no network, no host file system, seccomp sandbox on
 * (qemu(1), -sandbox). The agent's port connects to `agentSocket`, on which the harness listens.
 */
export function qemuCommandLine(spec: GuestSpec, accelerator: Accelerator, agentSocket: string): string[] {
	const record: QemuArchitecture = QEMU_ARCHITECTURES[spec.arch];
	const kvm = accelerator === 'kvm';
	return [
		record.binary,
		...['-machine', kvm ? record.kvmMachine : record.machine],
		...['-accel', accelerator],
		...['-cpu', spec.machine.cpu[spec.arch] ?? (kvm ? 'host' : record.cpu)],
		...['-smp', String(spec.machine.smp)],
		...['-m', `${spec.machine.memoryMiB}M`],
		...['-nodefaults', '-no-user-config', '-no-reboot'],
		...['-display', 'none'],
		...['-nic', 'none'],
		...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
		...['-chardev', 'stdio,id=console,mux=off,signal=off'],
		...['-serial', 'chardev:console'],
		...['-chardev', `socket,id=agent,path=${agentSocket}`],
		...['-device', 'virtio-serial-pci'],
		...['-device', `virtserialport,chardev=agent,name=${AGENT_PORT}`],
		...['-kernel', spec.kernel],
		...['-initrd', spec.initramfs],
		...['-append', kernelCommandLine(spec.arch, spec.machine)],
	];
}
