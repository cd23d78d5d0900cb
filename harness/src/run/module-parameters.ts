// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { usageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import type { BuiltModule } from '../kernel/module-build.js';
import { type ModuleParameter, moduleParameterText } from '../plan/module-parameter.js';

/** How a module lists its parameters in .modinfo (include/linux/moduleparam.h: __MODULE_PARM_TYPE()). */
const PARAMETER_TYPE = /(?<=\0)parmtype=(\w+):/g;

/**
 * Refuses parameters that none of the modules has: the kernel would only log that it ignores them, and what was judged
 * would not be what was asked for. @throws usage errors.
 */
export async function checkModuleParameters(
	parameters: readonly ModuleParameter[],
	built: readonly BuiltModule[],
): Promise<void> {
	const files = built.flatMap(({ modules }) => modules);
	for (const parameter of parameters) {
		const text = moduleParameterText(parameter);
		const owner = files.find(({ name }) => name === parameter.module);
		if (!owner) {
			const names = files.map(({ name }) => name).join(', ');
			throw refused(text, `no module ${parameter.module} was built`, parameter.module, names, files);
		}
		const content = await readFile(owner.file, 'latin1');
		const known = [...content.matchAll(PARAMETER_TYPE)].flatMap(([, name]) => (name === undefined ? [] : [{ name }]));
		if (known.some(({ name }) => name === parameter.name)) continue;
		const names = known.map(({ name }) => name).join(', ');
		throw refused(text, `${owner.name} has no parameter ${parameter.name}`, parameter.name, names, known);
	}
}

function refused(
	text: string,
	what: string,
	asked: string,
	names: string,
	known: readonly { readonly name: string }[],
) {
	const meant = nearest(
		asked,
		known.map(({ name }) => name),
	);
	return usageError(
		'MODULE_PARAMETER_UNKNOWN',
		`--module-parameter ${text}: ${what}`,
		`${meant ? `did you mean ${meant}? ` : ''}there is: ${names || 'none'}`,
	);
}
