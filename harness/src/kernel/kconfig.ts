// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';

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
