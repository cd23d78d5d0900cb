// SPDX-License-Identifier: MIT
import { execa } from 'execa';
import { FencepostError, infrastructureError } from './errors.js';

export interface RunOptions {
	readonly cwd?: string;
	/** Added to the harness's own environment. */
	readonly env?: Readonly<Record<string, string>>;
	readonly input?: string | Uint8Array;
	/** What the command is told it was called, where that is not its own name. */
	readonly calledAs?: string;
	/** Kills the command, and everything it started, when it fires. */
	readonly signal?: AbortSignal;
	/** Milliseconds after which the command is killed; none by default. */
	readonly timeoutMs?: number;
	/** Called with each line of standard output and error as it comes. */
	readonly onLine?: (line: string) => void;
	/** Exit statuses that are answers, not failures; [0] by default. */
	readonly accept?: readonly number[];
	/** Debian package that holds the command, named when it is not there. */
	readonly package?: string;
	/** Who is to blame when it fails; infrastructure by default. */
	readonly blame?: 'infrastructure' | 'kernel' | 'test';
}

export interface RunResult {
	readonly stdout: string;
	readonly stderr: string;
	readonly status: number;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const EVIDENCE_LINES = 30;

/** What still runs ends with this process. (Its SIGKILL cannot be caught: commands then end by themselves, guests die with us.) */
const running = new Set<() => void>();
process.once('exit', () => {
	for (const kill of running) kill();
});

/** The last lines of a text, for evidence. */
export function tail(text: string, lines = EVIDENCE_LINES): string {
	return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** A command as a shell would take it back: for messages, rerun lines and run directories. */
export function shellQuote(words: readonly string[]): string {
	return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/**
 * Runs a command to its end. It gets a process group of its own, so that an abort or a timeout takes its
 * children too. @throws FencepostError naming the command, with the tail of what it said.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
	options.signal?.throwIfAborted();
	const child = execa(command, [...args], {
		...(options.cwd === undefined ? {} : { cwd: options.cwd }),
		...(options.env === undefined ? {} : { env: options.env }),
		...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
		...(options.calledAs === undefined ? {} : { argv0: options.calledAs }),
		detached: true,
		reject: false,
		maxBuffer: MAX_OUTPUT_BYTES,
		stripFinalNewline: false,
		all: options.onLine !== undefined,
	});
	const killGroup = () => {
		if (child.pid === undefined) return;
		try {
			process.kill(-child.pid, 'SIGKILL');
		} catch {
			// Already gone.
		}
	};
	let timedOut = false;
	const timer =
		options.timeoutMs === undefined
			? undefined
			: setTimeout(() => {
					timedOut = true;
					killGroup();
				}, options.timeoutMs);
	options.signal?.addEventListener('abort', killGroup, { once: true });
	running.add(killGroup);
	try {
		if (options.onLine) {
			for await (const line of child.iterable({ from: 'all' })) options.onLine(line);
		}
		const result = await child;
		options.signal?.throwIfAborted();
		const status = result.exitCode ?? -1;
		if (result.exitCode !== undefined && (options.accept ?? [0]).includes(status)) {
			return { stdout: String(result.stdout), stderr: String(result.stderr), status };
		}
		throw failure(command, args, options, result, timedOut);
	} finally {
		clearTimeout(timer);
		options.signal?.removeEventListener('abort', killGroup);
		running.delete(killGroup);
	}
}

interface FailedResult {
	readonly exitCode?: number | undefined;
	readonly signal?: string | undefined;
	readonly code?: string | undefined;
	readonly stdout?: unknown;
	readonly stderr?: unknown;
}

function failure(
	command: string,
	args: readonly string[],
	options: RunOptions,
	result: FailedResult,
	timedOut: boolean,
): FencepostError {
	if (result.code === 'ENOENT') {
		return infrastructureError('COMMAND_MISSING', `the program ${command} is not installed`, {
			hint: options.package ? `install the package ${options.package}, or run: npm run setup` : 'run: npm run setup',
		});
	}
	const words = [command, ...args].slice(0, 6);
	const how = timedOut
		? `did not end within ${(options.timeoutMs ?? 0) / 1000} s`
		: result.signal
			? `was killed by ${result.signal}`
			: `ended with status ${result.exitCode ?? 'unknown'}`;
	return new FencepostError({
		code: timedOut ? 'COMMAND_TIMEOUT' : 'COMMAND_FAILED',
		blame: options.blame ?? 'infrastructure',
		message: `${shellQuote(words)}${args.length > 5 ? ' …' : ''} ${how}`,
		evidence: tail(`${String(result.stdout ?? '')}\n${String(result.stderr ?? '')}`.trim()),
	});
}
