// SPDX-License-Identifier: MIT
import { usageError } from '../core/errors.js';
import { inRange, type Release, type ReleaseRange } from '../core/release.js';

/** One option that a fragment asks for. */
export interface AskedOption {
	/** `CONFIG_X` */
	readonly name: string;
	/** `y`, `m`, `n`, a number, or a string with its quotes. */
	readonly value: string;
	readonly range: ReleaseRange;
	/** Counts only for kernels that have such an option. */
	readonly whereKnown: boolean;
	/** `base.config:12`, for messages. */
	readonly where: string;
}

const OPTION = /^(CONFIG_[A-Za-z0-9_]+)=(y|m|n|-?\d+|0x[0-9a-fA-F]+|"(?:[^"\\]|\\.)*")$/;
const UNSET = /^# (CONFIG_[A-Za-z0-9_]+) is not set$/;
const CONDITION = /^(since|until) (\d+\.\d+(?:\.\d+)?)\b\s*|^(where known)\b\s*/;

/** Parses a config fragment. @param file is named in messages. @throws usage error that names file and line. */
export function parseFragment(text: string, file: string): AskedOption[] {
	return text.split('\n').flatMap((raw, index) => {
		const where = `${file}:${index + 1}`;
		const unset = UNSET.exec(raw.trimEnd());
		if (unset?.[1]) return [{ name: unset[1], value: 'n', range: {}, whereKnown: false, where }];
		if (raw.trimStart().startsWith('#') || raw.trim() === '') return [];
		const hash = raw.search(/\s#(?=[^"]*$)/);
		const [setting, comment] = hash < 0 ? [raw.trim(), ''] : [raw.slice(0, hash).trim(), raw.slice(hash + 2).trim()];
		const match = OPTION.exec(setting);
		if (!match?.[1] || match[2] === undefined) {
			throw usageError(
				'FRAGMENT_MALFORMED',
				`${where}: "${setting}" is not a kernel option`,
				'accepted: CONFIG_NAME=VALUE with y, m, n, a number or a quoted string; then "# since X.Y until X.Y where known"',
			);
		}
		return [{ name: match[1], value: match[2], where, ...parseConditions(comment, where) }];
	});
}

function parseConditions(comment: string, where: string): { range: ReleaseRange; whereKnown: boolean } {
	const range: { since?: string; until?: string } = {};
	let whereKnown = false;
	let rest = comment;
	while (rest !== '') {
		const match = CONDITION.exec(rest);
		if (!match) {
			throw usageError(
				'FRAGMENT_MALFORMED',
				`${where}: condition "${rest}" is not understood`,
				'accepted after the #: since X.Y, until X.Y, where known',
			);
		}
		if (match[3]) whereKnown = true;
		else if (match[1] === 'since') range.since = match[2] ?? '';
		else range.until = match[2] ?? '';
		rest = rest.slice(match[0].length);
	}
	return { range, whereKnown };
}

/** What a kernel of that release is asked for: the last of several lines for one option counts. */
export function askedOf(options: readonly AskedOption[], release: Release): ReadonlyMap<string, AskedOption> {
	return new Map(
		options.filter((option) => inRange(release, option.range)).map((option) => [option.name, option] as const),
	);
}
