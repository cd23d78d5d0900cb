// SPDX-License-Identifier: MIT

/**
 * What the guest writes into its kernel log through /dev/kmsg, so that the console can be read beside the results:
 * `fencepost: job 3 begin …`, `fencepost: case heap.alloc.len-zero subject system`, `fencepost: job 3 end`,
 * `fencepost: mark settled-17`. Whatever else stands behind `fencepost: ` is a note.
 */
export type Mark =
	| { readonly kind: 'job-begin'; readonly job: number; readonly text: string }
	| { readonly kind: 'job-end'; readonly job: number; readonly text: string }
	| { readonly kind: 'case'; readonly case: string; readonly subject: string }
	| { readonly kind: 'mark'; readonly text: string }
	| { readonly kind: 'note'; readonly text: string };

const PREFIX = 'fencepost: ';

/** The words of a marker line, without the prefix; undefined for any other line. */
export function markText(line: string): string | undefined {
	return line.startsWith(PREFIX) ? line.slice(PREFIX.length) : undefined;
}

/** @param text as markText() gives it */
export function parseMark(text: string): Mark {
	const job = /^job (\d{1,9}) (begin|end)\b ?(.*)$/.exec(text);
	if (job) return { kind: job[2] === 'begin' ? 'job-begin' : 'job-end', job: Number(job[1]), text: job[3] ?? '' };
	const found = /^case (\S{1,1024})(?: subject (.*))?$/.exec(text);
	if (found) return { kind: 'case', case: found[1] ?? '', subject: found[2]?.trim() ?? '' };
	const mark = /^mark (.*)$/.exec(text);
	return mark ? { kind: 'mark', text: mark[1] ?? '' } : { kind: 'note', text };
}
