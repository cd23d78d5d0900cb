// SPDX-License-Identifier: MIT
import type { Duplex } from 'node:stream';
import { sleep } from '../../core/clock.js';
import { type FencepostError, infrastructureError } from '../../core/errors.js';

/** QEMU's longest answer here is a few kilobytes; a line beyond this is no QMP. */
const MAX_LINE_BYTES = 1024 * 1024;
const ANSWER_MS = 30_000;

type Answer = Readonly<Record<string, unknown>>;

/**
 * A QEMU monitor (docs/interop/qmp-spec.txt of QEMU): commands go out one after the other without waiting, answers
 * come back in their order. Owns the stream. @throws FencepostError QMP_REFUSED with QEMU's words for a command that
 * failed, QMP_GONE when the stream ends, QMP_SILENT when no answer comes.
 */
export class Qmp {
	private rest = '';
	private readonly waiting: { readonly command: string; settle: (answer: Answer | FencepostError) => void }[] = [];
	private readonly listeners = new Map<string, (() => void)[]>();
	private readonly seen = new Set<string>();
	private failure: FencepostError | undefined;

	constructor(private readonly stream: Duplex) {
		stream.setEncoding('utf8');
		stream.on('data', (text: string) => this.receive(text));
		stream.on('error', () => this.end());
		stream.once('close', () => this.end());
		stream.once('end', () => this.end());
		// The first command of every connection; until it is answered nothing else is taken, but sent it may be.
		this.execute('qmp_capabilities').catch(() => {});
	}

	/** @param wanted what the command is given, as QMP's JSON has it. */
	async execute(command: string, wanted: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
		if (this.failure) throw this.failure;
		const given = new AbortController();
		try {
			const answered = new Promise<Answer | FencepostError>((settle) => this.waiting.push({ command, settle }));
			this.stream.write(`${JSON.stringify({ execute: command, arguments: wanted })}\n`);
			const silent = sleep(ANSWER_MS, given.signal).then(() =>
				infrastructureError('QMP_SILENT', `QEMU's monitor did not answer ${command} within ${ANSWER_MS / 1000} s`),
			);
			silent.catch(() => {});
			const answer = await Promise.race([answered, silent]);
			if (answer instanceof Error) throw answer;
			if ('error' in answer) throw refusal(command, answer['error']);
			return answer['return'];
		} finally {
			given.abort();
		}
	}

	/** Resolves once the event has come since the connection began; rejects when the stream ends first. */
	async event(name: string): Promise<void> {
		if (this.seen.has(name)) return;
		await new Promise<void>((resolve) => this.listeners.set(name, [...(this.listeners.get(name) ?? []), resolve]));
		if (this.failure && !this.seen.has(name)) throw this.failure;
	}

	private receive(text: string): void {
		this.rest += text;
		const lines = this.rest.split('\n');
		this.rest = lines.pop() ?? '';
		if (this.rest.length > MAX_LINE_BYTES) this.end();
		for (const line of lines) {
			if (line.trim() !== '') this.take(line);
		}
	}

	private take(line: string): void {
		const message = parseObject(line);
		if (!message) this.end();
		else if (typeof message['event'] === 'string') this.happened(message['event']);
		else if ('return' in message || 'error' in message) this.waiting.shift()?.settle(message);
	}

	private happened(name: string): void {
		this.seen.add(name);
		for (const resolve of this.listeners.get(name) ?? []) resolve();
		this.listeners.delete(name);
	}

	private end(): void {
		if (this.failure) return;
		this.failure = infrastructureError('QMP_GONE', "the connection to QEMU's monitor ended");
		this.stream.destroy();
		for (const { settle } of this.waiting.splice(0)) settle(this.failure);
		for (const resolvers of this.listeners.values()) for (const resolve of resolvers) resolve();
		this.listeners.clear();
	}
}

function refusal(command: string, error: unknown): FencepostError {
	const known = typeof error === 'object' && error !== null && 'desc' in error ? String(error.desc) : String(error);
	return infrastructureError('QMP_REFUSED', `QEMU refused ${command}: ${known}`);
}

function parseObject(line: string): Answer | undefined {
	try {
		const value: unknown = JSON.parse(line);
		return typeof value === 'object' && value !== null ? (value as Answer) : undefined;
	} catch {
		return undefined;
	}
}
