// SPDX-License-Identifier: MIT
import type { Arch } from '../../core/architectures.js';
import { FencepostError, infrastructureError } from '../../core/errors.js';
import type {
	Guest,
	GuestAccounts,
	GuestEnd,
	GuestFacts,
	GuestStart,
	GuestStarter,
	Job,
	JobOutcome,
	JobOutput,
	Template,
	TemplateStart,
} from '../machine.js';

/** What a scripted guest does when it is given a job. */
export interface ScriptedJob {
	/** Shown on the console while the job runs, before its output. */
	readonly console?: string;
	readonly stdout?: string;
	readonly stderr?: string;
	/** How the program ends; status 0 by default. */
	readonly outcome?: Partial<JobOutcome>;
	/** The guest ends in the middle of the job: QEMU gone, or silent for good. */
	readonly ends?: 'dies' | 'hangs';
	/** What the kernel holds from then on, where it is not what it held before. */
	readonly accounts?: Partial<GuestAccounts>;
}

/** A guest's life: how it boots, and what it does with each job. */
export interface Script {
	readonly facts: GuestFacts;
	/** Shown on the console while it boots. */
	readonly bootConsole?: string;
	/** Thrown instead of booting. */
	readonly bootError?: FencepostError;
	job(job: Job): ScriptedJob;
}

const ENDED_WELL: JobOutcome = {
	status: 0,
	signal: undefined,
	timedOut: false,
	wallMs: 1,
	userMs: 0,
	systemMs: 0,
	maxRssKiB: 0,
	stuck: false,
};

const CLEAN_ACCOUNTS: GuestAccounts = {
	dmaBufs: { count: 0, bytes: 0 },
	dmaBufsLocked: false,
	cmaUsedPages: new Map(),
	cmaUsedKiB: 0,
	memory: { totalKiB: 262_144, availableKiB: 200_000, freeKiB: 200_000, slabUnreclaimableKiB: 4000, shmemKiB: 0 },
	tainted: 0,
};

/** A guest that follows a script: stands in for QEMU and agent in tests of the engine, and nowhere else. */
export class FakeGuest implements Guest {
	readonly facts: GuestFacts;
	readonly ended: Promise<GuestEnd>;
	private end: (end: GuestEnd) => void = () => {};
	private held = CLEAN_ACCOUNTS;

	constructor(
		private readonly script: Script,
		private readonly start: GuestStart,
	) {
		this.facts = script.facts;
		this.ended = new Promise((resolve) => {
			this.end = resolve;
		});
	}

	async run(job: Job, output: JobOutput, signal: AbortSignal): Promise<JobOutcome> {
		const { console: shown, stdout, stderr, outcome, ends, accounts } = this.script.job(job);
		this.held = { ...this.held, ...accounts };
		if (shown) this.start.onConsole(Buffer.from(shown));
		signal.throwIfAborted();
		if (stdout) output.stdout(Buffer.from(stdout));
		if (stderr) output.stderr(Buffer.from(stderr));
		if (ends === 'dies') {
			this.end({ kind: 'died', status: 1, signal: undefined, stderr: '' });
			throw infrastructureError('AGENT_GONE', 'the stream to the agent ended');
		}
		if (ends === 'hangs') throw new FencepostError({ code: 'GUEST_HUNG', blame: 'kernel', message: 'no heartbeat' });
		return { ...ENDED_WELL, ...(outcome?.signal === undefined ? {} : { status: undefined }), ...outcome };
	}

	async put(): Promise<void> {}

	async get(): Promise<Uint8Array> {
		throw infrastructureError('NO_FILE', 'a scripted guest has no files');
	}

	async accounts(): Promise<GuestAccounts> {
		return this.held;
	}

	async settleConsole(): Promise<void> {}

	async stop(): Promise<void> {
		this.end({ kind: 'stopped', status: undefined, signal: 'SIGKILL', stderr: '' });
	}
}

/** Starts scripted guests, one script after the other; the last one is used again and again. */
export class FakeStarter implements GuestStarter {
	started = 0;

	constructor(private readonly scripts: readonly Script[]) {}

	async slowness(_arch: Arch): Promise<number> {
		return 1;
	}

	/** Boots as the next script does, which then is the first clone's. */
	async template(start: TemplateStart): Promise<Template> {
		const script = this.peek();
		start.onCommand(['fake-qemu'], ['fake-qemu'], 'a fake');
		if (script.bootConsole) start.onConsole(Buffer.from(script.bootConsole));
		if (script.bootError) {
			this.started++;
			throw script.bootError;
		}
		return {
			facts: script.facts,
			cached: false,
			clone: async (clone) => {
				const next = this.peek();
				this.started++;
				clone.onCommand(['fake-qemu'], ['fake-qemu'], 'a fake');
				return new FakeGuest(next, { ...start, ...clone });
			},
			close: async () => {},
		};
	}

	async start(start: GuestStart): Promise<Guest> {
		const script = this.peek();
		this.started++;
		start.onCommand(['fake-qemu'], ['fake-qemu'], 'a fake');
		if (script.bootConsole) start.onConsole(Buffer.from(script.bootConsole));
		if (script.bootError) throw script.bootError;
		return new FakeGuest(script, start);
	}

	private peek(): Script {
		const script = this.scripts[Math.min(this.started, this.scripts.length - 1)];
		if (!script) throw new Error('a fake starter needs a script');
		return script;
	}
}
