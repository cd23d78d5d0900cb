// SPDX-License-Identifier: MIT
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { usageError } from './errors.js';
import { nearest } from './nearest.js';

const MAX_BYTES = 1024 * 1024;

/** Where something stands in a file people write: `plan.yaml:3:11`. */
export type Locate = (path: readonly PropertyKey[]) => string;

export interface ParsedYaml<T> {
	readonly value: T;
	readonly locate: Locate;
}

/**
 * Parses a YAML file that people write into a type. @throws usage errors that name file:line:column, what was
 * found, and for an unknown field the accepted ones and the nearest.
 */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>): ParsedYaml<T> {
	if (text.length > MAX_BYTES) throw usageError('YAML_TOO_LARGE', `${file}: larger than ${MAX_BYTES} bytes`);
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
	if (syntax) throw usageError('YAML_SYNTAX', `${at(syntax.pos[0])}: ${syntax.message}`);
	let value: unknown;
	try {
		value = document.toJS({ maxAliasCount: 100 });
	} catch (error) {
		throw usageError('YAML_SYNTAX', `${file}: ${error instanceof Error ? error.message : String(error)}`);
	}
	const parsed = schema.safeParse(value, { reportInput: true });
	if (parsed.success) return { value: parsed.data, locate };
	// A misspelt field also makes the right one missing: the spelling is the better news.
	const { issues } = parsed.error;
	const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
	throw describe(issue, locate, schema, document.contents ? value : undefined);
}

function describe(issue: z.core.$ZodIssue | undefined, locate: Locate, schema: z.ZodType, value: unknown): Error {
	if (!issue) return usageError('YAML_SHAPE', `${locate([])}: not understood`);
	const inner = innermost(issue);
	const path = inner.path.map(String).join('.');
	if (inner.code === 'unrecognized_keys') {
		const key = inner.keys[0] ?? '';
		const accepted = keysAt(schema, inner.path);
		const meant = nearest(key, accepted);
		return usageError(
			'YAML_UNKNOWN_FIELD',
			`${locate([...inner.path, key])}: unknown field "${key}"${path ? ` in ${path}` : ''}`,
			`${meant ? `did you mean ${meant}? ` : ''}${accepted.length > 0 ? `accepted: ${accepted.join(', ')}` : ''}`.trim() ||
				undefined,
		);
	}
	const found = value === undefined ? 'an empty file' : shown(inner.input);
	return usageError('YAML_VALUE', `${locate(inner.path)}: ${path || 'the file'}: ${inner.message} (found ${found})`);
}

/** The most telling issue below a union: the one that went deepest. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
	if (issue.code !== 'invalid_union') return issue;
	const deepest = issue.errors
		.flat()
		.map(innermost)
		.sort((a, b) => b.path.length - a.path.length)[0];
	return deepest && deepest.path.length > 0 ? { ...deepest, path: [...issue.path, ...deepest.path] } : issue;
}

function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
	let current = schema;
	for (const step of path) {
		current = unwrap(current);
		if (typeof current !== 'object' || current === null) return [];
		if ('shape' in current) current = (current.shape as Record<PropertyKey, unknown>)[step];
		else if ('element' in current) current = current.element;
		else if ('valueType' in current) current = current.valueType;
		else return [];
	}
	current = unwrap(current);
	return typeof current === 'object' && current !== null && 'shape' in current
		? Object.keys(current.shape as object)
		: [];
}

/** Strips optional, default and the first object of a union. */
function unwrap(schema: unknown): unknown {
	let current = schema;
	for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth++) {
		if ('unwrap' in current && typeof current.unwrap === 'function' && !('element' in current))
			current = current.unwrap();
		else if ('options' in current && Array.isArray(current.options)) {
			current = current.options.find((option) => typeof option === 'object' && option !== null && 'shape' in option);
		} else break;
	}
	return current;
}

function shown(input: unknown): string {
	const text = JSON.stringify(input) ?? 'nothing';
	return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
