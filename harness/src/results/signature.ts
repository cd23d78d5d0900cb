// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../core/errors.js';
import { isBuild } from './bisect.js';
import type { CaseResult } from './events.js';

/** Longer lines are looked at in pieces. */
const MAX_LINE = 64 * 1024;
const MAX_SHOWN = 240;

/**
 * Lines of a console that show no more than what was asked for: the kernel repeats its command line, and the agent
 * names each case before it runs. `panic` or a case's name would be found in every one.
 */
const ECHO = /command line: |fencepost: /i;

/** Reads a signature: a regular expression of JavaScript's, matched against single lines. @throws usage error. */
export function parseSignature(text: string): RegExp {
	const accepted = "accepted: a regular expression, as 'KASAN: slab-use-after-free in dma_buf_release'";
	let pattern: RegExp;
	try {
		pattern = new RegExp(text);
	} catch (error) {
		throw usageError('SIGNATURE_MALFORMED', `--signature ${text}: ${String(error)}`, accepted);
	}
	if (pattern.test('')) {
		throw usageError('SIGNATURE_EMPTY', `--signature "${text}" fits an empty line, and so every console`, accepted);
	}
	return pattern;
}

/** The first line of results or consoles that shows the signature. @param directory the run's. */
export async function findSignature(
	pattern: RegExp,
	results: readonly CaseResult[],
	directory: string,
): Promise<string | undefined> {
	for (const result of results) {
		const line = lineOfResult(pattern, result);
		if (line !== undefined) return line;
	}
	const folder = join(directory, 'consoles');
	const consoles = await readdir(folder).catch(() => []);
	for (const name of consoles.sort()) {
		const line = await lineOfConsole(pattern, join(folder, name));
		if (line !== undefined) return line;
	}
	return undefined;
}

/** What does not build cannot show a regression that shows when it runs: compilers' words are not looked at. */
function lineOfResult(pattern: RegExp, result: CaseResult): string | undefined {
	if (result.verdict === 'pass' || result.verdict === 'skip' || isBuild(result)) return undefined;
	const said = [
		result.reason,
		...(result.diagnostics ?? []).map(([key, value]) => `${key}: ${value}`),
		...(result.splats ?? []).flatMap(({ title, report }) => [title, report]),
	];
	for (const line of said.join('\n').split('\n')) if (shows(pattern, line)) return shown(line);
	return undefined;
}

async function lineOfConsole(pattern: RegExp, file: string): Promise<string | undefined> {
	let rest = '';
	for await (const chunk of createReadStream(file, { encoding: 'utf8' }) as AsyncIterable<string>) {
		const lines = (rest + chunk).split('\n');
		rest = lines.pop() ?? '';
		if (rest.length > MAX_LINE) {
			lines.push(rest);
			rest = '';
		}
		for (const line of lines) if (shows(pattern, line)) return shown(line);
	}
	return shows(pattern, rest) ? shown(rest) : undefined;
}

function shows(pattern: RegExp, line: string): boolean {
	return !ECHO.test(line) && pattern.test(line);
}

function shown(line: string): string {
	const text = line.trim().replace(/\s+/g, ' ');
	return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
