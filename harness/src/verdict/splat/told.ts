// SPDX-License-Identifier: MIT
import type { Splat } from '../verdict.js';
import { sourceName } from './machinery.js';

/** include/linux/kallsyms.h: KSYM_NAME_LEN. Anything longer is no function, whatever a console says. */
const LONGEST_NAME = 512;

/** What a symbol is made of; everything else parts a title into words. */
const NO_SYMBOL = /[^\w.$]+/;

/**
 * A report in one line, as reasons tell it: its title, and the guilty function where the title does not name that
 * itself. `WARNING: CPU: 0 PID: 1 at mm/foo.c:12 (in foo)`.
 */
export function toldReport({ title, function: guilty }: Pick<Splat, 'title' | 'function'>): string {
	if (guilty === undefined || guilty.length > LONGEST_NAME) return title;
	return title.split(NO_SYMBOL).some((word) => sourceName(word) === guilty) ? title : `${title} (in ${guilty})`;
}
