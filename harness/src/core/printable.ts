// SPDX-License-Identifier: MIT

/**
 * C0 and C1 but tab and newline (ECMA-48), which a terminal may obey; the separators that some readers take for line
 * ends; and what turns the direction of writing (Unicode Standard Annex 9), so that a line reads as it is.
 */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const SUSPECT = new RegExp(CONTROLS.source);
/** GitHub's runner obeys a line of a log that begins so behind any blanks (actions/runner: ActionCommand.TryParseV2) … */
const COMMAND = /^(\s*):(?=:)/gm;
/** … and this anywhere in a line (ActionCommand.TryParse); Azure's agent does too. */
const OLD_COMMAND = /#(?=#(?:\[|vso\[))/g;

/** Text of a guest as it may go to a terminal: lines as they were, control characters but tab as U+FFFD. */
export function printable(text: string): string {
	return SUSPECT.test(text) ? text.replaceAll('\r\n', '\n').replace(CONTROLS, '\ufffd') : text;
}

/** JSON as it may go to a terminal: what JSON itself lets stand is escaped, and means the same. */
export function printableJson(json: string): string {
	return json.replace(CONTROLS, (c) => (c < ' ' ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** Text as `printable` makes it, as it may stand in a CI system's log, too: words that the log's reader would obey fall apart. */
export function printableInLog(text: string): string {
	const clean = printable(text);
	return /::|##/.test(clean) ? clean.replace(COMMAND, '$1: ').replace(OLD_COMMAND, '# ') : clean;
}
