// SPDX-License-Identifier: MIT
import { FencepostError, messageOf } from '../core/errors.js';
import type { Splat, Verdict } from '../verdict/verdict.js';

/** What to record when a whole target could not be judged: one result that says why. */
export interface TargetFailure {
	readonly suite: string;
	readonly case: string;
	readonly verdict: Verdict;
	readonly reason: string;
	readonly splats?: readonly Splat[];
	/** Of the error that it comes from. */
	readonly code?: string | undefined;
}

/**
 * A kernel that panics while booting is the kernel's fault: a crash. Everything else (it did not build, QEMU
 * ended, nobody spoke) could not be judged: a miss.
 */
export function targetFailure(stage: 'build' | 'boot' | 'declaration', error: unknown): TargetFailure {
	const known = error instanceof FencepostError ? error : undefined;
	const verdict = stage === 'boot' && known?.blame === 'kernel' ? 'crash' : 'miss';
	const parts = [messageOf(error), known?.hint && `(${known.hint})`].filter(Boolean).join(' ');
	return {
		suite: 'machine',
		case: `machine.${stage}`,
		verdict,
		reason: known?.evidence ? `${parts}\n${known.evidence}` : parts,
		code: known?.code,
	};
}
