// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { CASE_CLASSES } from '../core/case-class.js';
import { FencepostError, infrastructureError, messageOf } from '../core/errors.js';
import { run } from '../core/process.js';

/** One case as its suite describes it: an element of what `fencepost list --json` prints. */
export const caseInfoSchema = z.strictObject({
	/** `heap.alloc.len-zero` */
	case: z.string().regex(/^[a-z0-9]+([._-][a-z0-9]+)*$/),
	/** `ALLOC-05` */
	catalogue: z.string().regex(/^[A-Z0-9]+-\d+[a-z]?$/),
	suite: z.string().min(1),
	class: z.enum(CASE_CLASSES),
	statement: z.string().min(1),
	source: z.string().min(1),
	since: z.string().nullable(),
	until: z.string().nullable(),
	/** `heap`, `heap:cma`, `sw_sync` … */
	needs: z.array(z.string().min(1)),
});
export type CaseInfo = z.infer<typeof caseInfoSchema>;

export const caseListSchema = z.array(caseInfoSchema);

const LIST_TIMEOUT_MS = 10_000;

/** Runs suites that were built for this host, as `suite`, with --list. @throws FencepostError SUITE_LIST_FAILED. */
export async function readCases(suite: string, path: string, signal: AbortSignal): Promise<CaseInfo[]> {
	const refuse = (why: string, evidence?: string, cause?: unknown) =>
		infrastructureError('SUITE_LIST_FAILED', `the suite ${suite} does not list its cases: ${why}`, { evidence, cause });
	let text: string;
	try {
		text = (await run(path, ['--list'], { signal, timeoutMs: LIST_TIMEOUT_MS, calledAs: suite })).stdout;
	} catch (error) {
		signal.throwIfAborted();
		throw refuse(messageOf(error), error instanceof FencepostError ? error.evidence : undefined, error);
	}
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		throw refuse(`what it prints is no JSON (${messageOf(error)})`, text.slice(0, 400), error);
	}
	const parsed = caseListSchema.safeParse(json);
	if (!parsed.success) throw refuse(z.prettifyError(parsed.error), undefined, parsed.error);
	const stranger = parsed.data.find((listed) => listed.suite !== suite);
	if (stranger) throw refuse(`${stranger.case} says its suite is ${stranger.suite}`);
	return parsed.data;
}
