// SPDX-License-Identifier: MIT
import type { Config } from './config.js';

/** Parentheses within parentheses; what goes deeper is not looked into. */
const MAX_DEPTH = 64;

/** How far an option may go: off, a module, built in. */
export type Tristate = 'n' | 'm' | 'y';

/** Value of a dependency expression; what is not understood counts as met. */
export function evaluate(expression: string, config: Config): Tristate {
	const tokens = expression.match(/"[^"]*"|'[^']*'|\$\([^)]*\)|&&|\|\||!=|<=|>=|[!()=<>]|[\w.-]+/g) ?? [];
	let at = 0;
	const rank = (value: Tristate) => 'nmy'.indexOf(value);
	const symbol = (token: string): string => {
		if (/^["']/.test(token)) return token.slice(1, -1);
		if (/^(?:n|m|y)$/.test(token) || /^-?\d/.test(token) || token.startsWith('$')) return token;
		return (config.get(`CONFIG_${token}`) ?? 'n').replace(/^"(.*)"$/, '$1');
	};
	const tristate = (value: string): Tristate => (value === 'm' || value === 'n' ? value : 'y');
	const primary = (depth: number): Tristate => {
		if (depth > MAX_DEPTH) return 'y';
		const token = tokens[at++];
		if (token === undefined) return 'y';
		if (token === '!') {
			const value = primary(depth + 1);
			return value === 'y' ? 'n' : value === 'n' ? 'y' : 'm';
		}
		if (token === '(') {
			const value = either(depth + 1);
			at++;
			return value;
		}
		const operator = tokens[at];
		if (operator !== undefined && /^(?:=|!=|<|>|<=|>=)$/.test(operator)) {
			const [left, right] = [symbol(token), symbol(tokens[at + 1] ?? 'y')];
			at += 2;
			return compare(left, operator, right) ? 'y' : 'n';
		}
		return tristate(symbol(token));
	};
	const both = (depth: number): Tristate => {
		let value = primary(depth);
		while (tokens[at] === '&&') {
			at++;
			const next = primary(depth);
			if (rank(next) < rank(value)) value = next;
		}
		return value;
	};
	const either = (depth: number): Tristate => {
		let value = both(depth);
		while (tokens[at] === '||') {
			at++;
			const next = both(depth);
			if (rank(next) > rank(value)) value = next;
		}
		return value;
	};
	return either(0);
}

function compare(left: string, operator: string, right: string): boolean {
	if (operator === '=') return left === right;
	if (operator === '!=') return left !== right;
	const [a, b] = [Number(left), Number(right)];
	if (Number.isNaN(a) || Number.isNaN(b)) return true;
	return operator === '<' ? a < b : operator === '>' ? a > b : operator === '<=' ? a <= b : a >= b;
}
