// SPDX-License-Identifier: MIT

/** C0 and C1 but tab and newline (ECMA-48): what a terminal may obey. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text of a guest as it may go to a terminal: control characters but tab and newline become U+FFFD. */
export function printable(text: string): string {
	return text.replace(CONTROLS, '\ufffd');
}
