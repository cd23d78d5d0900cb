// SPDX-License-Identifier: MIT
import type { z } from 'zod';
import { usageError } from './errors.js';
import { nearest } from './nearest.js';
import type { Locate } from './yaml-source.js';

/** What a file's value is not: names file:line:column, what was found and what is accepted, with its range. */
export function describeProblem(
	issues: readonly z.core.$ZodIssue[],
	locate: Locate,
	schema: z.ZodType,
	empty: boolean,
): Error {
	const issue = mostTelling(issues);
	if (!issue) return usageError('YAML_SHAPE', `${locate([])}: not understood`);
	const path = issue.path.map(String).join('.');
	if (issue.code === 'unrecognized_keys') {
		const key = issue.keys[0] ?? '';
		const accepted = fieldsOf(schemaAt(schema, issue.path));
		const meant = nearest(key, accepted);
		return usageError(
			'YAML_UNKNOWN_FIELD',
			`${locate([...issue.path, key])}: unknown field "${key}"${path ? ` in ${path}` : ''}`,
			`${meant ? `did you mean ${meant}? ` : ''}${accepted.length > 0 ? `accepted: ${accepted.join(', ')}` : ''}`.trim() ||
				undefined,
		);
	}
	const found = empty ? 'an empty file' : shown(issue.input);
	return usageError(
		'YAML_VALUE',
		`${locate(issue.path)}: ${path || 'the file'}: ${wanted(issue, schema)} (found ${found})`,
	);
}

/** A misspelt field also makes the right one missing: the spelling is the better news. */
function mostTelling(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
	const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
	if (issue?.code !== 'invalid_union') return issue;
	// Of what could have been meant, that which fits the furthest.
	const depth = (option: readonly z.core.$ZodIssue[]) => Math.max(...option.map(({ path }) => path.length));
	const [closest = []] = [...issue.errors].sort((one, other) => depth(other) - depth(one));
	const inner = depth(closest) > 0 || hasMisspelling(closest) ? mostTelling(closest) : undefined;
	return inner ? { ...inner, path: [...issue.path, ...inner.path] } : issue;
}

const hasMisspelling = (issues: readonly z.core.$ZodIssue[]) => issues.some(({ code }) => code === 'unrecognized_keys');

/** Words of a schema's own stay; those of the library, which name neither values nor ranges, do not. */
function wanted({ message, path }: z.core.$ZodIssue, schema: z.ZodType): string {
	if (!/^(Invalid|Too small|Too big)\b/.test(message)) return message;
	const accepted = inWords(schemaAt(schema, path));
	return accepted === undefined ? message : `expected ${accepted}`;
}

/** What a schema takes; undefined for what has no short name. */
function inWords(schema: unknown): string | undefined {
	const bare = withoutOptional(schema);
	if (!isRecord(bare)) return undefined;
	if (Array.isArray(bare['options']) && !('element' in bare)) {
		const plain = isRecord(bare['enum']);
		const words = bare['options'].map((option) => (plain ? JSON.stringify(option) : inWords(option)));
		return words.every((word) => word !== undefined) ? words.join(', or ') : undefined;
	}
	if (bare['values'] instanceof Set) return [...bare['values']].map((value) => JSON.stringify(value)).join(', or ');
	if ('element' in bare) return 'a list';
	if ('shape' in bare) return `fields (${fieldsOf(bare).join(', ')})`;
	if ('minValue' in bare) {
		const { minValue, maxValue } = bare;
		const to = typeof maxValue === 'number' && maxValue < Number.MAX_SAFE_INTEGER ? `${maxValue}` : undefined;
		return `a whole number from ${String(minValue)}${to === undefined ? ' on' : ` to ${to}`}`;
	}
	return bare['type'] === 'string' ? 'text' : undefined;
}

function schemaAt(schema: unknown, path: readonly PropertyKey[]): unknown {
	let current = schema;
	for (const step of path) {
		current = objectIn(current);
		if (!isRecord(current)) return undefined;
		if (isRecord(current['shape'])) current = current['shape'][String(step)];
		else if ('element' in current) current = current['element'];
		else if ('valueType' in current) current = current['valueType'];
		else return undefined;
	}
	return current;
}

function fieldsOf(schema: unknown): string[] {
	const current = objectIn(schema);
	return isRecord(current) && isRecord(current['shape']) ? Object.keys(current['shape']) : [];
}

/** Strips optional and default, and takes the first object of a union. */
function objectIn(schema: unknown): unknown {
	let current = withoutOptional(schema);
	for (let depth = 0; depth < 8 && isRecord(current) && Array.isArray(current['options']); depth++) {
		current = withoutOptional(current['options'].find((option) => isRecord(option) && 'shape' in option));
	}
	return current;
}

function withoutOptional(schema: unknown): unknown {
	let current = schema;
	for (let depth = 0; depth < 8; depth++) {
		if (!isRecord(current) || typeof current['unwrap'] !== 'function' || 'element' in current) break;
		current = current['unwrap']();
	}
	return current;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}

/** JSON has no word for numbers that are none. */
function shown(input: unknown): string {
	const text = typeof input === 'number' ? String(input) : (JSON.stringify(input) ?? 'nothing');
	return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
