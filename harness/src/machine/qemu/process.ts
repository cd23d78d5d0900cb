// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { tail } from '../../core/process.js';
import type { GuestEnd } from '../machine.js';
import { DESCRIPTORS } from './command-line.js';
import { confinedEnvironment } from './confinement.js';
import { ConsoleLog } from './console.js';
import { Qmp } from './qmp.js';

export interface QemuProcessStart {
	/** What is executed: the words that confine it, then QEMU's own. */
	readonly command: readonly string[];
	/** Descriptors of the kernel and the initramfs: open for as long as it takes to spawn. */
	readonly kernel: number;
	readonly initramfs: number;
	/** Descriptor of a device tree instead of QEMU's own, open as long. */
	readonly deviceTree?: number | undefined;
	/** Descriptor of the guest's memory, for templates and clones. */
	readonly memory?: number | undefined;
	/** What was saved of the devices, for clones: QEMU reads it when told to. */
	readonly state?: Uint8Array | undefined;
	/** Descriptor of the folder where the state is to be saved, for templates. */
	readonly stateFolder?: number | undefined;
}

const STDERR_BYTES = 8192;

/**
 * QEMU from spawn to end. It is confined, and dies with the harness, SIGKILL included (confinement.ts). Its console
 * waits in a pipe until it is opened.
 */
export class QemuProcess {
	readonly pid: number;
	/** The harness's end of the agent's port. */
	readonly agent: Duplex;
	readonly qmp: Qmp;
	/** Settles once, when QEMU is gone and its console, if it was opened, is on disk. Never rejects. */
	readonly ended: Promise<GuestEnd>;
	private readonly child: ChildProcess;
	private readonly consoleEnd: Duplex;
	private log: ConsoleLog | undefined;
	private stopping = false;

	constructor(start: QemuProcessStart) {
		const inherited: ('pipe' | 'ignore' | number)[] = ['ignore', 'pipe', 'pipe'];
		inherited[DESCRIPTORS.agent] = 'pipe';
		inherited[DESCRIPTORS.monitor] = 'pipe';
		inherited[DESCRIPTORS.state] = start.state ? 'pipe' : (start.stateFolder ?? 'ignore');
		inherited[DESCRIPTORS.memory] = start.memory ?? 'ignore';
		inherited[DESCRIPTORS.kernel] = start.kernel;
		inherited[DESCRIPTORS.initramfs] = start.initramfs;
		if (start.deviceTree !== undefined) inherited[DESCRIPTORS.deviceTree] = start.deviceTree;
		const [program = '', ...words] = start.command;
		const child = spawn(program, words, { stdio: inherited, detached: true, cwd: '/', env: confinedEnvironment() });
		this.child = child;
		this.pid = child.pid ?? 0;
		// Beyond the first three, which have types of their own, a pipe is a socket: both ways.
		const pipes = child.stdio as unknown as readonly Duplex[];
		const pipe = (descriptor: number): Duplex => {
			const stream = pipes[descriptor];
			if (!stream) throw new Error(`a child process without the pipe ${descriptor} that it was given`);
			return stream;
		};
		this.consoleEnd = pipe(1);
		this.agent = pipe(DESCRIPTORS.agent);
		this.qmp = new Qmp(pipe(DESCRIPTORS.monitor));
		if (start.state) {
			const state = pipe(DESCRIPTORS.state);
			// QEMU that dies before it has read everything says why on standard error.
			state.on('error', () => {});
			state.resume();
			state.end(start.state);
		}
		this.ended = this.watchEnd(pipe(2));
	}

	/** It is gone. */
	get over(): boolean {
		return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
	}

	get console(): ConsoleLog {
		if (!this.log) throw new Error('the console of a guest that runs is open');
		return this.log;
	}

	/** To be called once, before its guest runs. */
	openConsole(file: string, onConsole: (bytes: Uint8Array) => void): void {
		this.log = new ConsoleLog(file, this.consoleEnd, onConsole);
	}

	/** Kills it and waits for it to be gone. */
	async stop(): Promise<void> {
		this.stopping = true;
		// Nobody reads what nobody opened; unread, it would never be closed.
		if (!this.log) this.consoleEnd.resume();
		this.child.kill('SIGKILL');
		await this.ended;
	}

	private async watchEnd(stderr: Duplex): Promise<GuestEnd> {
		let said = '';
		let spawnError = '';
		stderr.on('data', (chunk: Buffer) => {
			said = (said + chunk.toString('utf8')).slice(-STDERR_BYTES);
		});
		const how = await new Promise<{ status: number | undefined; signal: string | undefined }>((resolve) => {
			this.child.once('error', (error) => {
				spawnError = error.message;
				resolve({ status: undefined, signal: undefined });
			});
			this.child.once('close', (status, signal) =>
				resolve({ status: status ?? undefined, signal: signal ?? undefined }),
			);
		});
		if (!spawnError) await this.log?.closed;
		const kind = this.stopping ? 'stopped' : how.signal ? 'killed' : 'died';
		return { kind, ...how, stderr: tail(`${spawnError}${said}`, 10) };
	}
}
