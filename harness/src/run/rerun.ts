// SPDX-License-Identifier: MIT
import { invocation } from '../core/invocation.js';
import { shellQuote } from '../core/process.js';
import { type KernelSelector, lastingText } from '../core/selector.js';
import { type ModuleParameter, moduleParameterText } from '../plan/module-parameter.js';

export interface RerunParts {
	readonly kernel: KernelSelector;
	readonly arch: string;
	readonly machine: string;
	readonly planFile: string | undefined;
	readonly suite: string;
	readonly case: string | undefined;
	readonly subject: string;
	/** `--program`'s value when the suite is a program of the user's own. */
	readonly program: string | undefined;
	/** Milliseconds that it was given, where that was said. */
	readonly deadlineMs?: number | undefined;
	/** Folders of out-of-tree modules that were loaded, absolute. */
	readonly modules: readonly string[];
	/** What they were loaded with. */
	readonly moduleParameters: readonly ModuleParameter[];
	/** The device module's file where one was named, absolute. */
	readonly deviceModule: string | undefined;
}

/** The one command that runs exactly this case again, from the folder this process is in or any below it: paths are absolute. */
export function rerunCommand(parts: RerunParts): string {
	const words = [...invocation(), 'run'];
	if (parts.planFile !== undefined) words.push('--plan', parts.planFile);
	words.push('--kernel', lastingText(parts.kernel), '--arch', parts.arch, '--machine', parts.machine);
	for (const directory of parts.modules) words.push('--module', directory);
	for (const parameter of parts.moduleParameters) words.push('--module-parameter', moduleParameterText(parameter));
	if (parts.deviceModule !== undefined) words.push('--device-module', parts.deviceModule);
	if (parts.program !== undefined) {
		words.push('--program', parts.program);
		if (parts.deadlineMs !== undefined) words.push('--timeout', String(Math.ceil(parts.deadlineMs / 1000)));
	} else {
		words.push('--suite', parts.suite);
		if (parts.case !== undefined) words.push('--case', parts.case);
	}
	if (parts.subject !== '' && parts.program === undefined) words.push('--subject', parts.subject);
	return shellQuote(words);
}
