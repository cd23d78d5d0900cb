// SPDX-License-Identifier: MIT
import type { Arch } from '../../core/architectures.js';

/** What QEMU and the kernel command line need to know of an architecture. Data, not switches. */
export interface QemuArchitecture {
	readonly binary: string;
	/** Debian package that holds the binary. */
	readonly package: string;
	readonly machine: string;
	/** -cpu under TCG; under KVM it is always `host`. */
	readonly cpu: string;
	/** More -machine properties under KVM. */
	readonly kvmMachine: string;
	/** Kernel command line words that put the console on the first serial port, from the first instruction on. */
	readonly consoleWords: readonly string[];
	/** Words that spare or steady the boot under emulation. */
	readonly bootWords: readonly string[];
	/** A flat program that ends QEMU with `probeStatus`, to find out whether an accelerator really runs guests. */
	readonly probe: {
		readonly option: '-bios' | '-kernel';
		readonly bytes: () => Uint8Array;
		readonly devices: readonly string[];
	};
	readonly probeStatus: number;
}

const PROBE_VALUE = 0x2a;

/**
 * 64 KiB of firmware. The reset vector (last 16 bytes) jumps to its start, which counts to 67 million, some 30 ms of
 * work on hardware, and then writes to QEMU's isa-debug-exit: status (value << 1) | 1. Nested or crippled KVM that
 * interprets each instruction does not get through the count in seconds.
 */
function x86Probe(): Uint8Array {
	const firmware = new Uint8Array(64 * 1024).fill(0xf4); // hlt
	const count = [
		...[0xba, 0x00, 0x04], //       mov dx, 0x400
		...[0xb9, 0xff, 0xff], // outer: mov cx, 0xffff
		...[0xe2, 0xfe], //       inner: loop inner
		0x4a, //                         dec dx
		...[0x75, 0xf8], //              jnz outer
	];
	const exit = [0xb0, PROBE_VALUE, 0xe6, 0xf4, 0xf4]; // mov al, VALUE; out 0xf4, al; hlt
	firmware.set([...count, ...exit], 0);
	firmware.set([0xe9, 0x0d, 0x00], firmware.length - 16); // jmp to the segment's start, 16 bytes on
	return firmware;
}

/** PSCI SYSTEM_OFF (Arm DEN0022, 5.10): QEMU ends with status 0. */
function armProbe(): Uint8Array {
	const words = [
		0x52800100, // mov  w0, #0x0008
		0x72b08000, // movk w0, #0x8400, lsl #16
		0xd4000002, // hvc  #0
		0x14000000, // b    .
	];
	return new Uint8Array(new Uint32Array(words).buffer);
}

export const QEMU_ARCHITECTURES = {
	x86_64: {
		binary: 'qemu-system-x86_64',
		package: 'qemu-system-x86',
		machine: 'q35',
		// What kernels and libraries clear memory with where there is ERMS, a byte at a time, takes emulation up to eight
		// times as long as what they use without.
		cpu: 'max,-erms',
		kvmMachine: 'q35',
		consoleWords: ['console=ttyS0', 'earlyprintk=ttyS0'],
		// The check waits for ticks, which come late on a busy host: then the kernel panics over a timer that works.
		bootWords: ['no_timer_check'],
		probe: { option: '-bios', bytes: x86Probe, devices: ['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x4'] },
		probeStatus: (PROBE_VALUE << 1) | 1,
	},
	arm64: {
		binary: 'qemu-system-aarch64',
		package: 'qemu-system-arm',
		machine: 'virt',
		cpu: 'cortex-a57',
		kvmMachine: 'virt,gic-version=host',
		consoleWords: ['console=ttyAMA0', 'earlycon'],
		bootWords: [],
		probe: { option: '-kernel', bytes: armProbe, devices: [] },
		probeStatus: 0,
	},
} as const satisfies Record<Arch, QemuArchitecture>;
