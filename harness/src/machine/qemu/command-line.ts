// SPDX-License-Identifier: MIT
import type { Arch } from '../../core/architectures.js';
import type { CmaReservation, GuestSpec, MachineDeclaration } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { QEMU_ARCHITECTURES, type QemuArchitecture } from './architectures.js';
import { testHardware } from './test-hardware.js';

/** Name of the agent's virtio-serial port; the agent looks for it below /sys/class/virtio-ports. */
export const AGENT_PORT = 'org.fencepost.agent';

/** `cma=64M@0x10M-512M`, as Documentation/admin-guide/kernel-parameters.txt has it: cma=nn[MG]@[start[MG][-end[MG]]]. */
function cmaWord(cma: CmaReservation): string {
	const place = cma.baseMiB === undefined && cma.limitMiB === undefined ? '' : `@${cma.baseMiB ?? 0}M`;
	const limit = cma.limitMiB === undefined ? '' : `-${cma.limitMiB}M`;
	return `cma=${cma.sizeMiB}M${place}${limit}`;
}

/** The pool is counted in slots of 2 KiB (include/linux/swiotlb.h: IO_TLB_SHIFT). */
export const SWIOTLB_SLOTS_PER_MIB = 512;

function swiotlbWord(sizeMiB: number | undefined): string {
	return sizeMiB === undefined ? 'swiotlb=force' : `swiotlb=${sizeMiB * SWIOTLB_SLOTS_PER_MIB},force`;
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
		...(machine.swiotlb ? [swiotlbWord(machine.swiotlb.sizeMiB)] : []),
		...(listLimit === undefined ? [] : [`udmabuf.list_limit=${listLimit}`]),
		...(sizeLimitMiB === undefined ? [] : [`udmabuf.size_limit_mb=${sizeLimitMiB}`]),
		...testHardware(arch, machine).kernelWords,
		...(machine.modules.length > 0 ? [`fencepost.modules=${machine.modules.join(',')}`] : []),
		...machine.cmdline,
	].join(' ');
}

/** Descriptors that QEMU inherits: it opens nothing by a path of the host, and nothing could be left behind. */
export const DESCRIPTORS = {
	agent: 3,
	monitor: 4,
	state: 5,
	memory: 6,
	kernel: 7,
	initramfs: 8,
	deviceTree: 9,
} as const;

/** The path by which a process opens what it has open already (proc(5)); no folder on the way is looked at. */
export function inherited(descriptor: keyof typeof DESCRIPTORS): string {
	return `/proc/self/fd/${DESCRIPTORS[descriptor]}`;
}

/**
 * What a guest is started for. `boot`: memory of its own. `template`: its memory is the inherited file, shared, so
 * that it stays when QEMU is gone. `clone`: the same file, private (copy-on-write), the devices' state to come, and
 * stopped until it is wanted.
 */
export type GuestRole = 'boot' | 'template' | 'clone';

const MEMORY_OPTIONS: Record<GuestRole, (sizeMiB: number) => readonly string[]> = {
	boot: () => [],
	template: (sizeMiB) => memoryFile(sizeMiB, 'on'),
	clone: (sizeMiB) => [...memoryFile(sizeMiB, 'off'), '-incoming', 'defer', '-S'],
};

function memoryFile(sizeMiB: number, share: 'on' | 'off'): string[] {
	return ['-object', `memory-backend-file,id=ram,size=${sizeMiB}M,mem-path=${inherited('memory')},share=${share}`];
}

/** QEMU's whole command line, as it is executed: all that it opens, it inherits (`DESCRIPTORS`). */
export function qemuCommandLine(spec: GuestSpec, accelerator: Accelerator, role: GuestRole): string[] {
	return commandLine(spec, accelerator, {
		machine: role === 'boot' ? '' : ',memory-backend=ram',
		memory: MEMORY_OPTIONS[role](spec.machine.memoryMiB),
		monitor: `fd=${DESCRIPTORS.monitor}`,
		agent: `fd=${DESCRIPTORS.agent}`,
		signal: 'off',
		kernel: inherited('kernel'),
		initramfs: inherited('initramfs'),
		deviceTree: spec.deviceTree === undefined ? undefined : inherited('deviceTree'),
	});
}

/**
 * The same machine as a user starts it by hand, with paths: it boots, its console is the terminal, and monitor and
 * agent listen on sockets in the current folder.
 */
export function repeatableCommandLine(spec: GuestSpec, accelerator: Accelerator): string[] {
	return commandLine(spec, accelerator, {
		machine: '',
		memory: [],
		monitor: 'path=monitor.sock,server=on,wait=off',
		agent: 'path=agent.sock,server=on,wait=off',
		signal: 'on',
		kernel: spec.kernel,
		initramfs: spec.initramfs,
		deviceTree: spec.deviceTree,
	});
}

/** Makes QEMU write the device tree of a machine to `file` and end: of everything that is in it, and nothing else. */
export function dumpTreeCommandLine({ arch, machine }: GuestSpec, accelerator: Accelerator, file: string): string[] {
	const record: QemuArchitecture = QEMU_ARCHITECTURES[arch];
	return [
		record.binary,
		...machineOptions(arch, machine, accelerator, `,dumpdtb=${file}`),
		...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none'],
		...deviceOptions(arch, machine),
	];
}

/** Where a command line's ends are: descriptors, or paths. */
interface Ends {
	/** More properties of the machine. */
	readonly machine: string;
	readonly memory: readonly string[];
	readonly monitor: string;
	readonly agent: string;
	/** Whether Ctrl-C at the console ends QEMU. */
	readonly signal: 'on' | 'off';
	readonly kernel: string;
	readonly initramfs: string;
	readonly deviceTree: string | undefined;
}

function machineOptions(arch: Arch, machine: MachineDeclaration, accelerator: Accelerator, more: string): string[] {
	const record: QemuArchitecture = QEMU_ARCHITECTURES[arch];
	const kvm = accelerator === 'kvm';
	const kind = kvm ? record.kvmMachine : record.machine;
	return [
		...['-machine', `${kind}${testHardware(arch, machine).machine}${more}`],
		...['-accel', accelerator],
		...['-cpu', machine.cpu[arch] ?? (kvm ? 'host' : record.cpu)],
		...['-smp', String(machine.smp)],
		...['-m', `${machine.memoryMiB}M`],
	];
}

/** PCI devices that are not the agent's; the IOMMU first. */
function deviceOptions(arch: Arch, machine: MachineDeclaration): string[] {
	const { iommu, devices } = testHardware(arch, machine);
	return [...iommu, ...devices];
}

/** No default devices, no network, no host file system, seccomp sandbox on (qemu(1), -sandbox). */
function commandLine(spec: GuestSpec, accelerator: Accelerator, ends: Ends): string[] {
	const { binary }: QemuArchitecture = QEMU_ARCHITECTURES[spec.arch];
	return [
		binary,
		...machineOptions(spec.arch, spec.machine, accelerator, ends.machine),
		...ends.memory,
		...['-nodefaults', '-no-user-config', '-no-reboot'],
		...['-display', 'none'],
		...['-nic', 'none'],
		...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
		...['-chardev', `socket,id=monitor,${ends.monitor}`],
		...['-mon', 'chardev=monitor,mode=control'],
		...['-chardev', `stdio,id=console,mux=off,signal=${ends.signal}`],
		...['-serial', 'chardev:console'],
		...['-chardev', `socket,id=agent,${ends.agent}`],
		...deviceOptions(spec.arch, spec.machine),
		...['-device', 'virtio-serial-pci'],
		...['-device', `virtserialport,chardev=agent,name=${AGENT_PORT}`],
		...['-kernel', ends.kernel],
		...['-initrd', ends.initramfs],
		...(ends.deviceTree === undefined ? [] : ['-dtb', ends.deviceTree]),
		...['-append', kernelCommandLine(spec.arch, spec.machine)],
	];
}
