// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { sleep } from '../../core/clock.js';
import { FencepostError, infrastructureError } from '../../core/errors.js';
import { tail } from '../../core/process.js';
import { AgentSession } from '../agent/session.js';
import type { Guest, GuestAccounts, GuestEnd, GuestFacts, GuestStart, Job, JobOutcome, JobOutput } from '../machine.js';
import type { Accelerator } from './accelerator.js';
import { QEMU_ARCHITECTURES } from './architectures.js';
import { qemuCommandLine } from './command-line.js';
import { ConsoleLog } from './console.js';
import { GuestClock } from './guest-clock.js';

export interface QemuStart extends GuestStart {
	readonly accelerator: Accelerator;
}

const SETTLE_MS = 3000;
const WATCH_MS = 100;

/** A QEMU guest from spawn to end. It dies with the harness, SIGKILL included (setpriv --pdeathsig, prctl(2)). */
export class QemuGuest implements Guest {
	private readonly clock: GuestClock;
	private session: AgentSession | undefined;
	private marks = 0;
	private stopping = false;

	private constructor(
		private readonly child: ChildProcess,
		private readonly console: ConsoleLog,
		readonly ended: Promise<GuestEnd>,
		private readonly hungMs: number,
	) {
		this.clock = new GuestClock(child.pid ?? 0);
	}

	/** Boots a guest and waits for its agent. @throws FencepostError BOOT_* with the console's tail as evidence. */
	static async start(start: QemuStart): Promise<QemuGuest> {
		start.signal.throwIfAborted();
		// Unix socket paths end at 107 bytes (unix(7)), so the socket lives in a short folder of its own.
		const directory = await mkdtemp(join(tmpdir(), 'fencepost-'));
		const server = createServer();
		let guest: QemuGuest | undefined;
		try {
			const { connected } = await listen(server, join(directory, 'agent'));
			guest = QemuGuest.spawn(start, join(directory, 'agent'));
			await guest.waitForAgent(connected, start);
			return guest;
		} catch (error) {
			await guest?.stop();
			throw error;
		} finally {
			server.close();
			await rm(directory, { recursive: true, force: true });
		}
	}

	get facts(): GuestFacts {
		if (!this.session) throw new Error('facts asked before the agent spoke');
		return this.session.facts;
	}

	async run(job: Job, output: JobOutput, signal: AbortSignal): Promise<JobOutcome> {
		const session = this.agent();
		const over = new AbortController();
		try {
			const outcome = await Promise.race([
				session.run(job, output, AbortSignal.any([signal, over.signal])),
				this.watchHeartbeat(session, over.signal),
			]);
			this.requireConsole();
			return outcome;
		} finally {
			over.abort();
		}
	}

	put(directory: string, tarStream: Readable, signal: AbortSignal): Promise<void> {
		return this.agent().put(directory, tarStream, signal);
	}

	get(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
		return this.agent().get(path, maxBytes, signal);
	}

	accounts(signal: AbortSignal): Promise<GuestAccounts> {
		return this.agent().accounts(signal);
	}

	async settleConsole(signal: AbortSignal): Promise<void> {
		const text = `mark ${++this.marks}`;
		await this.agent().mark(text, signal);
		await this.console.shows(`fencepost: ${text}`, SETTLE_MS);
	}

	async stop(): Promise<void> {
		this.stopping = true;
		this.session?.close();
		this.child.kill('SIGKILL');
		await this.ended;
	}

	/** The console's last lines, for messages about this guest. */
	consoleTail(): string {
		return this.console.tail();
	}

	private agent(): AgentSession {
		if (!this.session) throw new Error('the agent was asked before it spoke');
		return this.session;
	}

	private static spawn(start: QemuStart, socket: string): QemuGuest {
		const command = qemuCommandLine(start.spec, start.accelerator, socket);
		start.onCommand(command);
		const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
			stdio: ['ignore', 'pipe', 'pipe'],
			detached: true,
		});
		const consoleLog = new ConsoleLog(start.consoleFile, child.stdout, start.onConsole);
		let stderr = '';
		child.stderr.on('data', (chunk: Buffer) => {
			stderr = (stderr + chunk.toString('utf8')).slice(-8192);
		});
		let spawnError = '';
		child.once('error', (error) => {
			spawnError = error.message;
		});
		const gone = new Promise<{ status: number | undefined; signal: string | undefined }>((resolve) => {
			child.once('error', () => resolve({ status: undefined, signal: undefined }));
			child.once('close', (status, signal) => resolve({ status: status ?? undefined, signal: signal ?? undefined }));
		});
		const ended = gone.then(async (how): Promise<GuestEnd> => {
			if (!spawnError) await consoleLog.closed;
			const kind = guest.stopping ? 'stopped' : how.signal ? 'killed' : 'died';
			return { kind, ...how, stderr: tail(`${spawnError}${stderr}`, 10) };
		});
		const guest = new QemuGuest(child, consoleLog, ended, start.limits.hungMs);
		return guest;
	}

	private async waitForAgent(connected: Promise<Socket>, start: QemuStart): Promise<void> {
		const giveUp = new AbortController();
		const signal = AbortSignal.any([start.signal, giveUp.signal]);
		try {
			this.session = await Promise.race([
				connected.then((socket) => AgentSession.open(socket, { signal, deadlineMs: start.limits.bootMs })),
				this.ended.then((end) => Promise.reject(this.bootEnded(end, start))),
				this.watchBoot(start, signal),
			]);
		} catch (error) {
			// A guest that is just ending explains more than the broken stream it leaves behind.
			const end = await Promise.race([this.ended, sleep(300).then(() => undefined)]);
			throw end && !start.signal.aborted && !this.stopping ? this.bootEnded(end, start) : error;
		} finally {
			giveUp.abort();
		}
	}

	/** A console that could not be kept is evidence lost: nothing that ran meanwhile may pass. */
	private requireConsole(): void {
		const cause = this.console.writeError;
		if (cause)
			throw infrastructureError('CONSOLE_UNWRITTEN', `the console cannot be kept: ${cause.message}`, { cause });
	}

	/** Rejects when the agent's heartbeat stays away: the guest hangs with nothing left to say so. Never resolves. */
	private async watchHeartbeat(session: AgentSession, signal: AbortSignal): Promise<never> {
		let heardMs = session.lastHeardMs;
		let heardAtMs = this.clock.now();
		for (let missed = 0; missed < 2; ) {
			await sleep(WATCH_MS, signal);
			const guestMs = this.clock.now();
			if (session.lastHeardMs !== heardMs) {
				heardMs = session.lastHeardMs;
				heardAtMs = guestMs;
			}
			// Twice in a row: after a stall of our own the first look comes before what has arrived meanwhile is read.
			missed = guestMs - heardAtMs > this.hungMs ? missed + 1 : 0;
		}
		throw new FencepostError({
			code: 'GUEST_HUNG',
			blame: 'kernel',
			message: `the guest's agent, which speaks twice a second, was silent for ${this.hungMs / 1000} s`,
			evidence: this.console.tail(),
		});
	}

	/** Rejects when the boot is over its limits or falls silent; never resolves. */
	private async watchBoot({ limits }: QemuStart, signal: AbortSignal): Promise<never> {
		let shownMs = this.console.lastByteMs;
		let shownAtMs = 0;
		for (;;) {
			await sleep(WATCH_MS, signal);
			const guestMs = this.clock.now();
			if (this.console.lastByteMs !== shownMs) {
				shownMs = this.console.lastByteMs;
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
					evidence: this.console.tail(),
				});
			}
			if (guestMs > limits.bootMs) {
				throw infrastructureError('BOOT_TIMEOUT', `no word from the agent within ${limits.bootMs / 1000} s`, {
					hint: 'is CONFIG_VIRTIO_CONSOLE built in, or its module listed by the machine?',
					evidence: this.console.tail(),
				});
			}
		}
	}

	private bootEnded(end: GuestEnd, start: QemuStart): FencepostError {
		const panic = /Kernel panic - not syncing.*/.exec(this.console.tail(400))?.[0];
		if (panic) {
			return new FencepostError({
				code: 'BOOT_PANIC',
				blame: 'kernel',
				message: `the kernel panicked while booting: ${panic}`,
				evidence: this.console.tail(40),
			});
		}
		const binary = QEMU_ARCHITECTURES[start.spec.arch].binary;
		const how = end.signal ? `was killed by ${end.signal}` : `ended with status ${end.status ?? 'unknown'}`;
		return infrastructureError('BOOT_ENDED', `${binary} ${how} before the agent spoke`, {
			hint: `is the kernel one that ${binary} can boot? its command line is in the run directory`,
			evidence: `${end.stderr}\n${this.console.tail()}`.trim(),
		});
	}
}

async function listen(server: Server, path: string): Promise<{ connected: Promise<Socket> }> {
	const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(path, resolve);
	});
	return { connected };
}
