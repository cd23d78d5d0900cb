// SPDX-License-Identifier: MIT
import type { Readable } from 'node:stream';
import type { Arch } from '../core/architectures.js';
import type { CmaRegion, Iommu, PageKiB, TestDevice } from '../core/guest-hardware.js';
import type { Progress } from '../core/progress.js';

/** A contiguous memory area reserved at boot through `cma=` (Documentation/admin-guide/kernel-parameters.txt). */
export interface CmaReservation {
	readonly sizeMiB: number;
	/** Lowest physical address, MiB; with `limitMiB` it bounds where the area may lie. */
	readonly baseMiB?: number | undefined;
	readonly limitMiB?: number | undefined;
}

/** A declared guest: what is asked of QEMU and of the kernel, and what must be found inside before the first case. */
export interface MachineDeclaration {
	readonly name: string;
	/** Architectures it can be had on. */
	readonly arches: readonly Arch[];
	/** QEMU's -cpu, by architecture; each architecture has a default. */
	readonly cpu: Readonly<Partial<Record<Arch, string>>>;
	readonly memoryMiB: number;
	readonly smp: number;
	/** What the kernel's pages are to be; undefined for any. */
	readonly pageKiB?: PageKiB | undefined;
	readonly cma: CmaReservation | undefined;
	/** More CMA areas, in the device tree; only where guests have one. */
	readonly regions?: readonly CmaRegion[] | undefined;
	/** What stands before PCI devices, by architecture: none where left out. It translates strictly. */
	readonly iommu?: Readonly<Partial<Record<Arch, Iommu>>> | undefined;
	/** Bus masters for the device module to use. */
	readonly devices?: readonly TestDevice[] | undefined;
	/**
	 * Every mapping for a device is bounced (swiotlb=force, Documentation/admin-guide/kernel-parameters.txt); the kernel's
	 * own size of the pool where left out.
	 */
	readonly swiotlb?: { readonly sizeMiB: number | undefined } | undefined;
	/** udmabuf's limits; the kernel's defaults where left out (drivers/dma-buf/udmabuf.c). */
	readonly udmabuf: { readonly listLimit?: number | undefined; readonly sizeLimitMiB?: number | undefined };
	/** Pages of the kernel's default huge page size, reserved at boot. */
	readonly hugepages: number;
	/** Extra words for the kernel command line. */
	readonly cmdline: readonly string[];
	/** Heaps that must be there, by name; `@cma` is the default CMA heap by whatever name this kernel gives it. */
	readonly heaps: readonly string[];
	/** Other needs of suites that this machine promises: `sw_sync`, `udmabuf`, `debugfs`. */
	readonly provides: readonly string[];
	/** Modules to load before the first case, by name, from the kernel's own modules. */
	readonly modules: readonly string[];
}

/** What the agent found in its guest, said once when it is ready. Text of the guest: bounded, never trusted further. */
export interface GuestFacts {
	readonly protocolVersion: number;
	/** uname -r */
	readonly release: string;
	/** uname -m */
	readonly hardware: string;
	readonly cmdline: string;
	readonly pageSize: number;
	readonly cpus: number;
	readonly memTotalKiB: number;
	readonly cmaTotalKiB: number;
	readonly hugepages: number;
	readonly heaps: readonly string[];
	/** Everything else the agent says of its guest: `udmabuf.list_limit`, `sw_sync`, `tainted` … */
	readonly more: ReadonlyMap<string, string>;
}

/**
 * What a guest's kernel holds at one moment; two of these, before and after a program, show what it left behind. Text
 * of the guest: parsed, never trusted further. What a kernel does not count is undefined.
 */
export interface GuestAccounts {
	/** All dma-bufs there are, by debugfs; undefined without debugfs, and while `dmaBufsLocked`. */
	readonly dmaBufs: { readonly count: number; readonly bytes: number } | undefined;
	/** The list could not be read within half a second: a dma-buf's reservation lock, or the list's own, is held. */
	readonly dmaBufsLocked: boolean;
	/** Pages in use by CMA area, exactly; empty where the kernel keeps no such counters. */
	readonly cmaUsedPages: ReadonlyMap<string, number>;
	/** CmaTotal less CmaFree: other pages may stand in an area as guests, so this is not exact. */
	readonly cmaUsedKiB: number;
	/** Undefined when /proc/meminfo could not be read. */
	readonly memory:
		| {
				readonly totalKiB: number;
				readonly availableKiB: number;
				readonly freeKiB: number;
				readonly slabUnreclaimableKiB: number;
				/** Files in tmpfs, memfds, shared memory. */
				readonly shmemKiB: number;
		  }
		| undefined;
	/** /proc/sys/kernel/tainted; undefined when it could not be read. */
	readonly tainted: number | undefined;
}

/** A program to run in the guest. */
export interface Job {
	/** Absolute path in the guest. */
	readonly program: string;
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
	/** Milliseconds of guest run time after which the agent kills it and all it started. */
	readonly deadlineMs: number;
}

export interface JobOutput {
	stdout(chunk: Uint8Array): void;
	stderr(chunk: Uint8Array): void;
}

/** How a program ended, as the agent saw it. Exactly one of status and signal is set. */
export interface JobOutcome {
	readonly status: number | undefined;
	readonly signal: number | undefined;
	/** The agent killed it because its deadline was over. */
	readonly timedOut: boolean;
	readonly wallMs: number;
	readonly userMs: number;
	readonly systemMs: number;
	readonly maxRssKiB: number;
	/** Something it started does not die of SIGKILL: the guest cannot be trusted with another job. */
	readonly stuck: boolean;
}

/** Why a guest is no more. `died`: QEMU ended by itself (a panic, a crash, somebody's kill). */
export interface GuestEnd {
	readonly kind: 'stopped' | 'died' | 'killed';
	readonly status: number | undefined;
	readonly signal: string | undefined;
	/** What QEMU said on standard error, its tail. */
	readonly stderr: string;
}

/** A running machine. Seven methods: the same for a QEMU guest, a board and the scripted fake. */
export interface Guest {
	readonly facts: GuestFacts;
	/** Settles once, when the guest is gone, whatever ended it. Never rejects. */
	readonly ended: Promise<GuestEnd>;
	/**
	 * Runs one job; jobs do not overlap. Rejects with a FencepostError when the guest ends or the agent breaks the
	 * protocol. Whatever a guest is asked, its answer is waited for only so long: GUEST_HUNG.
	 */
	run(job: Job, output: JobOutput, signal: AbortSignal): Promise<JobOutcome>;
	/** Unpacks a tar stream below `directory` in the guest. */
	put(directory: string, tar: Readable, signal: AbortSignal): Promise<void>;
	/** A file of the guest, refused when it is longer than `maxBytes`. */
	get(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
	/** What the kernel holds right now: asked before and after a program, between jobs. A few milliseconds. */
	accounts(signal: AbortSignal): Promise<GuestAccounts>;
	/**
	 * Resolves when the console has shown everything the kernel logged up to now (a marker through /dev/kmsg). @throws
	 * FencepostError CONSOLE_BLIND when it does not show it: what the kernel reports may then be missing.
	 */
	settleConsole(signal: AbortSignal): Promise<void>;
	/** Stops the guest and waits for it to be gone. */
	stop(): Promise<void>;
}

/** What a guest is started from. */
export interface GuestSpec {
	readonly arch: Arch;
	readonly machine: MachineDeclaration;
	/** The kernel's bootable file. */
	readonly kernel: string;
	readonly initramfs: string;
	/** What the two files hold, by their hashes: a template is made of it. */
	readonly identity: string;
	/** A device tree instead of QEMU's own, as a file; found by the starter where the machine needs one. */
	readonly deviceTree?: string | undefined;
}

/** How long a guest may be quiet before it is judged dead, in milliseconds that it could use (a busy host stops this clock). */
export interface BootLimits {
	/** From the start to the agent's first word. */
	readonly bootMs: number;
	/** Without console output while it boots. */
	readonly silenceMs: number;
	/** Without the agent's heartbeat while it works. */
	readonly hungMs: number;
}

export interface GuestStart {
	readonly spec: GuestSpec;
	readonly limits: BootLimits;
	/** File that keeps the console. */
	readonly consoleFile: string;
	readonly onConsole: (bytes: Uint8Array) => void;
	/**
	 * Called when a guest is asked for, before it runs. @param command how a user starts the same machine by hand: with
	 * paths, and booted even where this guest is a clone. @param exact what is executed: confined, and all that it opens
	 * inherited. @param emulator what runs it, as `QEMU 7.2.22, tcg`.
	 */
	readonly onCommand: (command: readonly string[], exact: readonly string[], emulator: string) => void;
	readonly signal: AbortSignal;
}

export interface TemplateStart extends GuestStart {
	/** Told of a template that was damaged and is made again, and of waiting for another run that makes it. */
	readonly progress: Progress;
}

export type CloneStart = Omit<GuestStart, 'spec'>;

/** A guest that was booted once and is saved: clones go on, copy-on-write, from where it stood. */
export interface Template {
	readonly facts: GuestFacts;
	/** It was made by an earlier run, or another one beside this: nothing was booted now. */
	readonly cached: boolean;
	/** Starts a copy of its own. @throws FencepostError CLONE_*: an infrastructure error. */
	clone(start: CloneStart): Promise<Guest>;
	/** Gives its memory back; clones that run keep theirs. */
	close(): Promise<void>;
}

/** Starts guests of one kind: QEMU's, or the scripted ones of tests. */
export interface GuestStarter {
	/** Factor on deadlines for this architecture here: 1 on hardware, more under emulation. */
	slowness(arch: Arch): Promise<number>;
	/** Boots and waits for the agent. @throws FencepostError BOOT_* with the console's tail; blame `kernel` for a panic. */
	start(start: GuestStart): Promise<Guest>;
	/**
	 * A template, from the cache or booted and saved now. The console of its boot goes to the start's file and listener
	 * either way. @throws FencepostError BOOT_* as `start`, and TEMPLATE_REFUSED when this machine cannot be saved: its
	 * guests must be booted one by one.
	 */
	template(start: TemplateStart): Promise<Template>;
}
