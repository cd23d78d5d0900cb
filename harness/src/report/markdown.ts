// SPDX-License-Identifier: MIT

/** Text as code within a line or a table's cell: nothing of it is markup, a mention or a link. */
export function markdownCode(text: string): string {
	const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
	return `\`${line.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}

/** A block of verbatim text that cannot end early: its fence is longer than any run of backticks in it. */
export function markdownBlock(text: string): string {
	const clean = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
	const longest = Math.max(2, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
	const fence = '`'.repeat(longest + 1);
	return `${fence}text\n${clean}\n${fence}\n`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
	return `${line(head)}${line(head.map(() => '---'))}${rows.map(line).join('')}`;
}
