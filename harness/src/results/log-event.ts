// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { VERDICTS } from '../verdict/verdict.js';

// What is read back of a line of the event log. The rest of it is for people, and kept as it is.

const RUN_START = z.looseObject({
	type: z.literal('run-start'),
	time: z.string(),
	schema: z.number().optional(),
	version: z.string(),
	argv: z.array(z.string()),
	cwd: z.string().optional(),
	resumed: z.number().int().nonnegative().optional(),
	planHash: z.string().optional(),
});

const RUN_END = z.looseObject({
	type: z.literal('run-end'),
	exit: z.number().int(),
	durationMs: z.number(),
	stopped: z.enum(['interrupted', 'fail-fast']).optional(),
});

const KERNEL_READY = z.looseObject({
	type: z.literal('kernel-ready'),
	kernel: z.string(),
	arch: z.string(),
	id: z.string(),
});

const GROUP = z.looseObject({
	kernel: z.string(),
	arch: z.string(),
	machine: z.string(),
	suite: z.string(),
	subject: z.string(),
});

const CASE = z.looseObject({
	type: z.literal('case'),
	result: GROUP.extend({ case: z.string(), verdict: z.enum(VERDICTS) }),
	again: z.literal(true).optional(),
});

const LOG_EVENT = z.discriminatedUnion('type', [
	RUN_START,
	RUN_END,
	KERNEL_READY,
	CASE,
	z.looseObject({ type: z.literal('guest-start'), guest: z.string() }),
	z.looseObject({ type: z.literal('guest-ready'), guest: z.string() }),
	z.looseObject({ type: z.literal('suite-end'), group: GROUP }),
	z.looseObject({ type: z.literal('misses-dropped') }),
]);
export type LogEvent = z.infer<typeof LOG_EVENT>;

const READ: ReadonlySet<unknown> = new Set(LOG_EVENT.options.map(({ shape }) => shape.type.value));

/** An event of a line; undefined for those that only people read. @throws Error that says what is wrong with the line. */
export function parseLogEvent(line: string): LogEvent | undefined {
	const value: unknown = JSON.parse(line);
	if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') {
		throw new Error('not an event: it has no type');
	}
	if (!READ.has(value.type)) return undefined;
	const parsed = LOG_EVENT.safeParse(value);
	if (parsed.success) return parsed.data;
	const [issue] = parsed.error.issues;
	throw new Error(`${value.type}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}
