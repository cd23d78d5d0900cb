// SPDX-License-Identifier: MIT
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { usageError } from './errors.js';
import { nearest } from './nearest.js';

/** How a kernel is named, everywhere: `source:6.12`, `tree:PATH@REV`, `debian:7.2`, `file:PATH`, then `,profile=NAME`. */
export type KernelSelector =
	| { readonly kind: 'source'; readonly version: string; readonly profile: string; readonly text: string }
	| { readonly kind: 'debian'; readonly version: string; readonly text: string }
	| {
			readonly kind: 'tree';
			readonly path: string;
			readonly revision: string | undefined;
			readonly profile: string;
			readonly text: string;
	  }
	| { readonly kind: 'file'; readonly path: string; readonly text: string };

export const DEFAULT_PROFILE = 'conformance';

const KINDS = ['source', 'tree', 'debian', 'file'] as const;
const ACCEPTED =
	'accepted: source:VERSION (as source:6.12 or source:newest), tree:PATH, tree:PATH@REV, debian:VERSION, file:PATH; ' +
	'one that is built may end in ,profile=NAME';

const VERSION = /^(newest|\d+\.\d+(\.\d+)?(-rc\d+)?)$/;

/** Parses a selector. @param where names the option or the plan's file:line:column, for the message. */
export function parseKernelSelector(text: string, where: string): KernelSelector {
	const refuse = (why: string, hint = ACCEPTED) =>
		usageError('SELECTOR_MALFORMED', `${where}: kernel selector "${text}": ${why}`, hint);
	const colon = text.indexOf(':');
	const kind = KINDS.find((known) => known === text.slice(0, colon));
	if (colon < 0 || kind === undefined) {
		const word = colon < 0 ? text : text.slice(0, colon);
		const meant = VERSION.test(text) ? `source:${text}` : nearest(word, KINDS);
		throw refuse(
			colon < 0 ? 'no kind before a colon' : `unknown kind "${word}"`,
			meant ? `did you mean ${meant.includes(':') ? meant : `${meant}:`}? ${ACCEPTED}` : ACCEPTED,
		);
	}
	let [rest, profile] = [text.slice(colon + 1), undefined as string | undefined];
	const comma = rest.lastIndexOf(',');
	const option = comma < 0 ? '' : rest.slice(comma + 1);
	if (comma >= 0 && (/^\w+=/.test(option) || kind === 'source' || kind === 'debian')) {
		const match = /^profile=([a-z][a-z0-9-]*)$/.exec(option);
		if (!match) throw refuse(`unknown option "${option}" after the comma`);
		[rest, profile] = [rest.slice(0, comma), match[1]];
	}
	if (rest === '') throw refuse(`nothing after ${kind}:`);
	if (profile !== undefined && (kind === 'debian' || kind === 'file')) {
		throw refuse('a profile chooses how a kernel is built, and this one is not built here');
	}
	switch (kind) {
		case 'source':
		case 'debian':
			if (!VERSION.test(rest)) throw refuse(`"${rest}" is not a version such as 6.12, 6.12.107 or newest`);
			return kind === 'source'
				? { kind, version: rest, profile: profile ?? DEFAULT_PROFILE, text }
				: { kind, version: rest, text };
		case 'file':
			return { kind, path: rest, text };
		case 'tree': {
			const at = rest.lastIndexOf('@');
			const revision = at > 0 ? rest.slice(at + 1) : undefined;
			if (revision === '') throw refuse('nothing after @');
			return {
				kind,
				path: at > 0 ? rest.slice(0, at) : rest,
				revision,
				profile: profile ?? DEFAULT_PROFILE,
				text,
			};
		}
	}
}

/** A path as it was written, made absolute. A shell leaves the ~ of `tree:~/linux` alone. */
function absolutePath(path: string, directory: string): string {
	return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(directory, path);
}

/** A selector whose path means the same from anywhere. @param directory what a relative path was written for */
export function absoluteSelector<S extends KernelSelector>(selector: S, directory = process.cwd()): S {
	return 'path' in selector ? { ...selector, path: absolutePath(selector.path, directory) } : selector;
}

/** The words of a selector that mean the same from anywhere: `tree:/home/me/linux@HEAD` for `tree:.@HEAD`. */
export function lastingText(selector: KernelSelector): string {
	const placed = absoluteSelector(selector);
	if (placed.kind !== 'tree') return placed.kind === 'file' ? `file:${placed.path}` : placed.text;
	const revision = placed.revision === undefined ? '' : `@${placed.revision}`;
	const profile = placed.profile === DEFAULT_PROFILE ? '' : `,profile=${placed.profile}`;
	return `tree:${placed.path}${revision}${profile}`;
}
