// SPDX-License-Identifier: MIT
import { infrastructureError } from '../../core/errors.js';
import type { GuestFacts, Job, JobOutcome } from '../machine.js';
import { EXIT_FLAGS, type Frame, MAX_PAYLOAD_BYTES, PROTOCOL_VERSION, protocolError } from './frame.js';

/** How a job ended, with what only the agent knows. */
export interface AgentJobOutcome extends JobOutcome {
	/** Processes the job had started that were still there when its first process ended; the agent killed them. */
	readonly strays: number;
	/** Killed on request (an aborted run). */
	readonly killed: boolean;
}

/** RUN: deadline, counts, then argv and env as NUL-terminated strings. @throws FencepostError when it cannot be sent. */
export function encodeJob(job: Job): Buffer {
	const argv = [job.program, ...job.args];
	const env = Object.entries(job.env).map(([name, value]) => `${name}=${value}`);
	const strings = [...argv, ...env];
	const refuse = (why: string) =>
		infrastructureError('JOB_MALFORMED', `cannot run ${job.program} in the guest: ${why}`, {
			hint: `arguments and environment together hold at most ${MAX_PAYLOAD_BYTES - 12} bytes, without NUL characters`,
		});
	if (!job.program.startsWith('/')) throw refuse('its path is not absolute');
	if (strings.some((text) => text.includes('\0'))) throw refuse('an argument or variable contains a NUL character');
	const deadlineMs = Math.ceil(job.deadlineMs);
	if (!(deadlineMs >= 1 && deadlineMs <= 0xffffffff)) throw refuse(`its deadline is ${job.deadlineMs} ms`);
	const words = Buffer.from(strings.map((text) => `${text}\0`).join(''), 'utf8');
	if (12 + words.length > MAX_PAYLOAD_BYTES) throw refuse(`its arguments take ${words.length} bytes`);
	const counts = Buffer.alloc(12);
	counts.writeUInt32LE(deadlineMs, 0);
	counts.writeUInt32LE(argv.length, 4);
	counts.writeUInt32LE(env.length, 8);
	return Buffer.concat([counts, words]);
}

/** EXIT: status, signal, strays, then times in µs and the peak resident size in KiB. @throws FencepostError AGENT_PROTOCOL. */
export function decodeExit(frame: Frame<'from-guest'>): AgentJobOutcome {
	const { payload, flags } = frame;
	const status = payload.readUInt32LE(0);
	const signal = payload.readUInt32LE(4);
	if (status > 255 || signal > 64 || (status !== 0 && signal !== 0)) {
		throw protocolError(`an EXIT frame with status ${status} and signal ${signal}`, payload);
	}
	const ms = (offset: number) => Number(payload.readBigUInt64LE(offset)) / 1000;
	return {
		status: signal === 0 ? status : undefined,
		signal: signal === 0 ? undefined : signal,
		timedOut: (flags & EXIT_FLAGS.timedOut) !== 0,
		killed: (flags & EXIT_FLAGS.killed) !== 0,
		stuck: (flags & EXIT_FLAGS.stuck) !== 0,
		strays: payload.readUInt32LE(8),
		wallMs: ms(12),
		userMs: ms(20),
		systemMs: ms(28),
		maxRssKiB: Number(payload.readBigUInt64LE(36)),
	};
}

/** Facts that GuestFacts has a field for; all others go to `more`. */
const NUMBERS = ['page_size', 'cpus', 'mem_total_kib', 'cma_total_kib', 'hugepages'] as const;
const TEXTS = ['release', 'hardware', 'cmdline'] as const;
const MAX_PAIRS = 1024;

/**
 * `key=value` lines, NUL-terminated, as HELLO and ACCOUNTS carry them; a key comes once, but for `heap`.
 * @throws FencepostError AGENT_PROTOCOL on a line or key that is none.
 */
export function decodePairs(frame: string, payload: Buffer): readonly (readonly [key: string, value: string])[] {
	const refuse = (why: string) =>
		protocolError(`${/^[AEIOU]/.test(frame) ? 'an' : 'a'} ${frame} frame ${why}`, payload);
	if (payload.at(-1) !== 0) throw refuse('whose last line is cut short');
	const lines = payload
		.subarray(0, -1)
		.toString('utf8')
		.split('\0', MAX_PAIRS + 1);
	if (lines.length > MAX_PAIRS) throw refuse(`with more than ${MAX_PAIRS} lines`);
	const seen = new Set<string>();
	return lines.map((line) => {
		const equals = line.indexOf('=');
		const key = line.slice(0, Math.max(equals, 0));
		// Names out of a device tree hold more than words do: `cma.linux,cma`, `cma.camera@50000000`.
		if (!/^[A-Za-z0-9_.,@:+-]{1,80}$/.test(key)) throw refuse(`with the line "${line.slice(0, 80)}"`);
		if (key !== 'heap' && seen.has(key)) throw refuse(`with ${key} twice`);
		seen.add(key);
		return [key, line.slice(equals + 1)] as const;
	});
}

/**
 * HELLO: `key=value` lines, NUL-terminated. `heap` may come any number of times, every other key once.
 * @throws FencepostError AGENT_PROTOCOL on a line, key or number that is none, or a fact that is missing.
 */
export function decodeFacts(payload: Buffer): GuestFacts {
	const refuse = (why: string) => protocolError(`a HELLO frame ${why}`, payload);
	const heaps: string[] = [];
	const facts = new Map<string, string>();
	for (const [key, value] of decodePairs('HELLO', payload)) {
		if (key === 'heap') heaps.push(value);
		else facts.set(key, value);
	}
	const text = (key: (typeof TEXTS)[number]): string => {
		const value = facts.get(key);
		if (value === undefined) throw refuse(`without ${key}`);
		facts.delete(key);
		return value;
	};
	const number = (key: (typeof NUMBERS)[number]): number => {
		const value = facts.get(key);
		if (value === undefined || !/^\d{1,15}$/.test(value)) throw refuse(`with ${key} "${value ?? ''}"`);
		facts.delete(key);
		return Number(value);
	};
	return {
		protocolVersion: PROTOCOL_VERSION,
		release: text('release'),
		hardware: text('hardware'),
		cmdline: text('cmdline'),
		pageSize: number('page_size'),
		cpus: number('cpus'),
		memTotalKiB: number('mem_total_kib'),
		cmaTotalKiB: number('cma_total_kib'),
		hugepages: number('hugepages'),
		heaps,
		more: facts,
	};
}

/** Text of the guest, fit to stand in a message: bounded, on one line, without control characters. */
export function guestText(payload: Uint8Array): string {
	return Buffer.from(payload)
		.toString('utf8')
		.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
		.trim()
		.slice(0, 1000);
}
