// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import { errnoOf, usageError } from '../core/errors.js';
import type { Plan } from '../plan/plan.js';
import type { RunOptions } from './run.js';

/** Refuses options that would be passed over without a word, or fail much later. @throws usage errors. */
export async function checkOptionsMakeSense(options: RunOptions, plan: Pick<Plan, 'programs'>): Promise<void> {
	if (options.timeout !== undefined && plan.programs.length === 0) {
		throw usageError(
			'TIMEOUT_ALONE',
			'--timeout is how long each --program may run, and there is none',
			'name one with --program, or programs: in the plan; cases have deadlines of their own',
		);
	}
	if (options.retryMisses && options.resume === undefined) {
		throw usageError(
			'RETRY_MISSES_ALONE',
			'--retry-misses counts with --resume only',
			'name the folder of the run whose misses are to be judged again: --resume DIR --retry-misses',
		);
	}
	if (options.deviceModule !== undefined) await checkDeviceModule(options.deviceModule);
}

async function checkDeviceModule(file: string): Promise<void> {
	const facts = await stat(file).catch((error: unknown) => {
		const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : (errnoOf(error) ?? String(error));
		throw refuse(why);
	});
	if (!facts.isFile()) throw refuse('it is not a regular file');

	function refuse(why: string) {
		const accepted = 'accepted: fencepost_device.ko, built as docs/device.md tells';
		return usageError('DEVICE_MODULE', `--device-module ${file}: ${why}`, accepted);
	}
}
