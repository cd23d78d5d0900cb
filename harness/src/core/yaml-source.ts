// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import { type Alias, type Document, isNode, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { errnoOf, messageOf, usageError } from './errors.js';
import { describeProblem } from './yaml-problem.js';

const MAX_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;

/** Where something stands in a file people write: `plan.yaml:3:11`. */
export type Locate = (path: readonly PropertyKey[]) => string;

export interface ParsedYaml<T> {
	readonly value: T;
	readonly locate: Locate;
}

/**
 * The text of a file that people write, or of a pipe. No more is read than such a file may have, whatever it is.
 * @param what names it in messages: an option @throws usage error where it cannot be read or is too large
 */
export async function readYamlSource(file: string, what: string): Promise<string> {
	const chunks: Buffer[] = [];
	let length = 0;
	try {
		for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
			chunks.push(chunk);
			length += chunk.length;
			if (length > MAX_BYTES) break;
		}
	} catch (error) {
		const why = errnoOf(error) ?? messageOf(error);
		const hint = why === 'EISDIR' ? 'it is a folder; name a file in it' : 'name a YAML file that can be read';
		throw usageError('YAML_UNREADABLE', `${what}: cannot read ${file} (${why})`, hint);
	}
	if (length > MAX_BYTES) throw tooLarge(file);
	return Buffer.concat(chunks).toString('utf8');
}

/**
 * Parses a YAML file that people write into a type. @throws usage errors that name file:line:column, what was
 * found, and for an unknown field the accepted ones and the nearest.
 */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>): ParsedYaml<T> {
	if (text.length > MAX_BYTES) throw tooLarge(file);
	const lines = new LineCounter();
	const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
	const at = (offset: number) => {
		const { line, col } = lines.linePos(offset);
		return `${file}:${line}:${col}`;
	};
	const locate: Locate = (path) => {
		for (let depth = path.length; depth >= 0; depth--) {
			const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
			if (isNode(node) && node.range) return at(node.range[0]);
		}
		return `${file}:1:1`;
	};
	const syntax = document.errors[0];
	if (syntax) throw usageError('YAML_SYNTAX', `${at(syntax.pos[0])}: ${syntaxSaid(syntax)}`);
	checkAliases(document, at);
	const value: unknown = document.toJS({ maxAliasCount: -1 });
	const parsed = schema.safeParse(value, { reportInput: true });
	if (parsed.success) return { value: parsed.data, locate };
	throw describeProblem(parsed.error.issues, locate, schema, !document.contents);
}

function tooLarge(file: string): Error {
	return usageError(
		'YAML_TOO_LARGE',
		`${file}: larger than ${MAX_BYTES} bytes`,
		'accepted: YAML of a megabyte at most',
	);
}

/** The parser's own words name its functions in two cases. */
function syntaxSaid({ code, message }: { readonly code: string; readonly message: string }): string {
	if (code === 'MULTIPLE_DOCS') return 'a second document begins here; accepted is one in a file';
	return /call stack/.test(message) ? 'nested too deep' : message;
}

/** Aliases that lead nowhere or into themselves, or so many that what they stand for has no bounds. */
function checkAliases(document: Document.Parsed, at: (offset: number) => string): void {
	let count = 0;
	visit(document, {
		Alias(_key, alias: Alias, path) {
			const where = at(alias.range?.[0] ?? 0);
			const meant = alias.resolve(document);
			if (!meant)
				throw usageError('YAML_SYNTAX', `${where}: *${alias.source}, but nothing above is called &${alias.source}`);
			if (path.includes(meant))
				throw usageError('YAML_SYNTAX', `${where}: *${alias.source} is a part of what it stands for`);
			if (hasAlias(meant))
				throw usageError(
					'YAML_SYNTAX',
					`${where}: *${alias.source} stands for what has aliases itself`,
					'write it out',
				);
			if (++count > MAX_ALIASES)
				throw usageError('YAML_SYNTAX', `${where}: more than ${MAX_ALIASES} aliases`, 'write some of them out');
		},
	});
}

function hasAlias(node: Parameters<typeof visit>[0]): boolean {
	let found = false;
	visit(node, {
		Alias() {
			found = true;
			return visit.BREAK;
		},
	});
	return found;
}
