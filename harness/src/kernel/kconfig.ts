// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { Config } from './config.js';
import type { AskedOption } from './fragment.js';

/** One `config X` block of a Kconfig file, as far as it explains a value (Documentation/kbuild/kconfig-language.rst). */
export interface Definition {
	/** `drivers/dma-buf/Kconfig:12` */
	readonly where: string;
	readonly type: string | undefined;
	/** It has a prompt; without one its value cannot be asked for. */
	readonly prompted: boolean;
	/** Expressions of its own `depends on`, of the menus, ifs and choices around it, and of its prompt's `if`. */
	readonly dependencies: readonly string[];
}

const MAX_FILES = 4000;
const MAX_DEPTH = 64;

/**
 * Finds the blocks that define options, by reading the Kconfig files from the top as kconfig does, so that the
 * conditions of sourcing files count. @param names `CONFIG_X`. Never fails: what cannot be read is passed over.
 */
export async function findDefinitions(
	tree: string,
	archFolder: string,
	names: readonly string[],
): Promise<ReadonlyMap<string, readonly Definition[]>> {
	const found = new Map<string, Definition[]>(names.map((name) => [name, []]));
	const reader = new KconfigReader(tree, archFolder, found);
	await reader.read('Kconfig', [], 0);
	return found;
}

interface Block {
	readonly kind: 'if' | 'menu' | 'choice';
	readonly dependencies: string[];
}

class KconfigReader {
	private files = 0;
	private readonly macros = new Map<string, string>();

	constructor(
		private readonly tree: string,
		private readonly archFolder: string,
		private readonly found: Map<string, Definition[]>,
	) {}

	async read(file: string, around: readonly string[], depth: number): Promise<void> {
		if (++this.files > MAX_FILES || depth > MAX_DEPTH) return;
		const text = await readFile(join(this.tree, file), 'utf8').catch(() => '');
		const blocks: Block[] = [];
		const outer = () => [...around, ...blocks.flatMap((block) => block.dependencies)];
		let open: { name: string; line: number; type?: string; prompted: boolean; dependencies: string[] } | undefined;
		let attributes: string[] | undefined;
		const close = () => {
			if (open) {
				this.found.get(`CONFIG_${open.name}`)?.push({
					where: `${file}:${open.line}`,
					type: open.type,
					prompted: open.prompted,
					dependencies: [...outer(), ...open.dependencies],
				});
			}
			open = undefined;
			attributes = undefined;
		};
		let helpIndent: number | undefined;
		const lines = joinContinued(text);
		for (const { text: raw, line } of lines) {
			const indent = indentOf(raw);
			if (helpIndent !== undefined) {
				if (raw.trim() === '') continue;
				if (helpIndent < 0 && indent > 0) helpIndent = indent;
				if (helpIndent > 0 && indent >= helpIndent) continue;
				helpIndent = undefined;
			}
			const statement = stripComment(raw).trim();
			if (statement === '') continue;
			const [, word = '', rest = ''] = /^([\w-]+)\s*(.*)$/.exec(statement) ?? [];
			switch (word) {
				case 'config':
				case 'menuconfig':
					close();
					open = { name: rest.trim(), line, prompted: false, dependencies: [] };
					attributes = open.dependencies;
					break;
				case 'if':
					close();
					blocks.push({ kind: 'if', dependencies: [rest] });
					break;
				case 'menu':
				case 'choice':
					close();
					blocks.push({ kind: word, dependencies: [] });
					attributes = blocks.at(-1)?.dependencies;
					break;
				case 'endif':
				case 'endmenu':
				case 'endchoice':
					close();
					if (blocks.at(-1)?.kind === word.slice(3)) blocks.pop();
					break;
				case 'comment':
				case 'mainmenu':
					close();
					break;
				case 'source':
				case 'rsource': {
					close();
					const target = this.expand(unquote(rest));
					const path = word === 'rsource' ? join(file, '..', target) : target;
					if (!normalize(path).startsWith('..')) await this.read(normalize(path), outer(), depth + 1);
					break;
				}
				case 'depends':
					attributes?.push(rest.replace(/^on\s+/, ''));
					break;
				case 'visible':
					break;
				case 'help':
				case '---help---':
					helpIndent = -1;
					break;
				case 'bool':
				case 'tristate':
				case 'string':
				case 'int':
				case 'hex':
				case 'def_bool':
				case 'def_tristate':
					if (open) {
						open.type = word.replace('def_', '');
						if (!word.startsWith('def_') && /^["']/.test(rest)) prompt(open, rest);
					}
					break;
				case 'prompt':
					if (open) prompt(open, rest);
					break;
				default: {
					const macro = /^([\w-]+)\s*:?=\s*(.*)$/.exec(statement);
					if (macro?.[1] && indent === 0) this.macros.set(macro[1], macro[2] ?? '');
				}
			}
		}
		close();
	}

	private expand(path: string): string {
		return path
			.replace(/\$\((\w+)\)|\$(\w+)/g, (_, a?: string, b?: string) => {
				const name = a ?? b ?? '';
				if (name === 'SRCARCH') return this.archFolder;
				if (name === 'srctree') return '.';
				return this.macros.get(name) ?? '';
			})
			.replace(/^\.\//, '');
	}
}

function prompt(open: { prompted: boolean; dependencies: string[] }, rest: string): void {
	open.prompted = true;
	const condition = /^(?:"(?:[^"\\]|\\.)*"|'[^']*')\s+if\s+(.*)$/.exec(rest)?.[1];
	if (condition) open.dependencies.push(condition);
}

function joinContinued(text: string): { text: string; line: number }[] {
	const joined: { text: string; line: number }[] = [];
	let pending: { text: string; line: number } | undefined;
	for (const [index, raw] of text.split('\n').entries()) {
		const whole = pending
			? { text: `${pending.text} ${raw.trim()}`, line: pending.line }
			: { text: raw, line: index + 1 };
		if (whole.text.endsWith('\\')) pending = { ...whole, text: whole.text.slice(0, -1) };
		else {
			joined.push(whole);
			pending = undefined;
		}
	}
	if (pending) joined.push(pending);
	return joined;
}

/** Columns of leading white space, tabs to the next multiple of eight: how kconfig tells where a help text ends. */
function indentOf(line: string): number {
	let column = 0;
	for (const character of line) {
		if (character === ' ') column++;
		else if (character === '\t') column += 8 - (column % 8);
		else break;
	}
	return column;
}

function stripComment(line: string): string {
	return line.replace(/^((?:[^"'#]|"(?:[^"\\]|\\.)*"|'[^']*')*)#.*$/, '$1');
}

function unquote(text: string): string {
	return text.trim().replace(/^["'](.*)["']$/, '$1');
}

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

type Tristate = 'n' | 'm' | 'y';

/** A dependency with the value of each symbol that is not y: `NET (=n) && PCI`. */
function withValues(expression: string, config: Config): string {
	return expression.replace(/"[^"]*"|\$\([^)]*\)|\b[A-Z0-9][A-Z0-9_]*\b/g, (word) => {
		if (!/^[A-Z0-9]*[A-Z]/.test(word)) return word;
		const value = config.get(`CONFIG_${word}`) ?? 'n';
		return value === 'y' ? word : `${word} (=${value})`;
	});
}

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
