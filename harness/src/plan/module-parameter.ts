// SPDX-License-Identifier: MIT
import { usageError } from '../core/errors.js';

/** A parameter that an out-of-tree module is loaded with, as on a kernel's command line: MODULE.NAME=VALUE. */
export interface ModuleParameter {
	/** As the kernel names it: `-` is `_`. */
	readonly module: string;
	readonly name: string;
	/** May be empty. */
	readonly value: string;
}

const PARAMETER = /^(?<module>[\w-]{1,64})\.(?<name>\w{1,64})=(?<value>[\x21\x23-\x7e]{0,400})$/;

/** @param where option, or file:line:column @throws usage error for anything else than MODULE.NAME=VALUE in one word. */
export function parseModuleParameter(text: string, where: string): ModuleParameter {
	const { module, name, value } = PARAMETER.exec(text)?.groups ?? {};
	if (module === undefined || name === undefined || value === undefined) {
		throw usageError(
			'MODULE_PARAMETER',
			`${where}: "${text}" is no module's parameter`,
			'accepted: MODULE.NAME=VALUE in one word of plain characters, without quotation marks, as acme_heap.pages=64',
		);
	}
	return { module: module.replaceAll('-', '_'), name, value };
}

/** The same as a word again. */
export function moduleParameterText({ module, name, value }: ModuleParameter): string {
	return `${module}.${name}=${value}`;
}
