// SPDX-License-Identifier: MIT
import type { Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import { qemuVersion } from '../machine/qemu/accelerator.js';
import type { Plan } from '../plan/plan.js';
import { BISECT_EXIT, type BisectCode, bisectAnswer } from '../results/bisect.js';
import type { CaseResult, RunEvent } from '../results/events.js';
import { findSignature, parseSignature } from '../results/signature.js';
import { isFailing } from '../results/totals.js';
import { say } from './bisect-guard.js';

export interface BisectOptions {
	readonly forBisect?: boolean;
	readonly signature?: string;
	readonly dryRun?: boolean;
}

/** What `--for-bisect` adds to a run: it hears the results, and answers git at the end. */
export class BisectRun {
	private readonly results = new Map<string, CaseResult>();

	private constructor(private readonly signature: RegExp | undefined) {}

	/** @throws usage errors; undefined when the run is none of a bisect. */
	static of(options: BisectOptions): BisectRun | undefined {
		if (!options.forBisect) {
			if (options.signature === undefined) return undefined;
			throw usageError('SIGNATURE_ALONE', '--signature counts with --for-bisect only', 'add --for-bisect');
		}
		if (options.dryRun) {
			throw usageError('BISECT_DRY_RUN', '--for-bisect --dry-run: git would read the end of a dry run as "good"');
		}
		return new BisectRun(options.signature === undefined ? undefined : parseSignature(options.signature));
	}

	/** What would be wrong at every commit is said before the first build. @throws when QEMU is not installed. */
	static async checkHost(plan: Plan): Promise<void> {
		const arches = new Set<Arch>(plan.arches);
		for (const arch of arches) await qemuVersion(arch);
		if (plan.kernels.some(({ kind }) => kind === 'tree' || kind === 'file')) return;
		const names = plan.kernels.map(({ text }) => text).join(', ');
		process.stderr.write(
			`bisect: ${names} is the same kernel at every commit; to judge what is checked out: --kernel tree:.\n`,
		);
	}

	/** A case that is heard twice, and not with the same end, is flaky. */
	hear(event: RunEvent): void {
		if (event.type !== 'case') return;
		const { result } = event;
		const { kernel, arch, machine, suite, case: name, subject } = result;
		const key = JSON.stringify([kernel, arch, machine, suite, name, subject]);
		const before = this.results.get(key);
		const differs = before !== undefined && isFailing(before.verdict) !== isFailing(result.verdict);
		const worse = before !== undefined && isFailing(before.verdict) ? before : result;
		this.results.set(key, differs ? { ...worse, flaky: true } : result);
	}

	/** Says the answer on standard error, and returns the exit code that git understands. */
	async answer(interrupted: boolean, directory: string): Promise<BisectCode> {
		if (interrupted) return say({ code: BISECT_EXIT.interrupted, why: 'nothing is known about this commit' });
		const results = [...this.results.values()];
		if (this.signature === undefined) return say(bisectAnswer(results));
		return say(bisectAnswer(results, { line: await findSignature(this.signature, results, directory) }));
	}
}
