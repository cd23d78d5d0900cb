// SPDX-License-Identifier: MIT

/** Whose fault it is: decides the verdict (`kernel`/`test` can fail, `infrastructure` is a miss) and the exit code. */
export type Blame = 'usage' | 'infrastructure' | 'kernel' | 'test';

export interface FencepostErrorFields {
	/** Stable, upper case, for programs: `KERNEL_VERSION_GONE`. */
	readonly code: string;
	readonly blame: Blame;
	/** What happened and where, in one sentence. */
	readonly message: string;
	/** What is accepted, and what to do next. */
	readonly hint?: string | undefined;
	/** The last lines of whatever was running: a compiler's words, a console's tail. */
	readonly evidence?: string | undefined;
	readonly cause?: unknown;
}

/** The one error type that crosses rooms. Anything else that is thrown is a bug in Fencepost. */
export class FencepostError extends Error {
	readonly code: string;
	readonly blame: Blame;
	readonly hint: string | undefined;
	readonly evidence: string | undefined;

	constructor(fields: FencepostErrorFields) {
		super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
		this.name = 'FencepostError';
		this.code = fields.code;
		this.blame = fields.blame;
		this.hint = fields.hint;
		this.evidence = fields.evidence;
	}
}

/** Wrong usage: exit code 2. The message names the option or file:line:column; the hint says what is accepted. */
export function usageError(code: string, message: string, hint?: string): FencepostError {
	return new FencepostError({ code, blame: 'usage', message, hint });
}

/** Ours or the host's fault: a miss, exit code 3. */
export function infrastructureError(
	code: string,
	message: string,
	more: { hint?: string | undefined; evidence?: string | undefined; cause?: unknown } = {},
): FencepostError {
	return new FencepostError({ code, blame: 'infrastructure', message, ...more });
}

/** What an unknown thrown value says, for messages. */
export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** The system's error name (`ENOSPC`, `ENOENT`) of a thrown value, when it has one. */
export function errnoOf(error: unknown): string | undefined {
	return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
