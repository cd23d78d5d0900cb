// SPDX-License-Identifier: MIT
import type { Config } from './config.js';
import type { AskedOption } from './fragment.js';
import type { Definition } from './kconfig.js';
import { evaluate } from './kconfig-expression.js';

/** One line: the option, what was asked, what it became and why. */
export function explainLost(option: AskedOption, definitions: readonly Definition[], config: Config): string {
	const became = config.get(option.name) ?? 'not set';
	const head = `${option.name}=${option.value} (${option.where}) became ${became}`;
	if (definitions.length === 0) return `${head}: this kernel has no such option`;
	const reasons = definitions.map((definition) => {
		const unmet = [...new Set(definition.dependencies)].filter((text) => evaluate(text, config) === 'n');
		if (unmet.length > 0)
			return `${definition.where} depends on ${unmet.map((text) => withValues(text, config)).join(' and ')}`;
		const weak = definition.dependencies.filter((text) => evaluate(text, config) === 'm');
		if (weak.length > 0 && option.value === 'y') {
			return `${definition.where} depends on ${weak.map((text) => withValues(text, config)).join(' and ')}, which allows m at most`;
		}
		if (!definition.prompted)
			return `${definition.where} has no prompt: it is set by what selects it or by its default`;
		if (option.value === 'n') return `${definition.where}: another option selects it`;
		return `${definition.where}: its dependencies are met; another member of its choice, its range or its type stands in the way`;
	});
	return `${head}: ${reasons.join('; ')}`;
}

/** A dependency with the value of each symbol that is not y: `NET (=n) && PCI`. */
function withValues(expression: string, config: Config): string {
	return expression.replace(/"[^"]*"|\$\([^)]*\)|\b[A-Z0-9][A-Z0-9_]*\b/g, (word) => {
		if (!/^[A-Z0-9]*[A-Z]/.test(word)) return word;
		const value = config.get(`CONFIG_${word}`) ?? 'n';
		return value === 'y' ? word : `${word} (=${value})`;
	});
}
