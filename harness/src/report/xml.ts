// SPDX-License-Identifier: MIT

/** What XML 1.0 cannot hold in any form (its production 2, Char): most control characters, halves of pairs. */
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;
const MARKUP: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** What a terminal may obey, or some readers take for a line's end; by number, XML's readers have it back as it was. */
const BY_NUMBER = /[\r\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** What CI systems obey when they find it in a log, where a document may be printed too (core/printable.ts). */
const COMMAND = /^(\s*):(?=:)/gm;
const OLD_COMMAND = /#(?=#(?:\[|vso\[))/g;

/**
 * Text as XML: what cannot be held becomes U+FFFD; what a terminal, a log's reader or XML's line ends would change or
 * obey stands there by number.
 */
export function xmlText(text: string): string {
	return text
		.replace(IMPOSSIBLE, '\ufffd')
		.replace(/[&<>"]/g, (c) => MARKUP[c] ?? c)
		.replace(BY_NUMBER, (c) => `&#${c.charCodeAt(0)};`)
		.replace(COMMAND, '$1&#58;')
		.replace(OLD_COMMAND, '&#35;');
}

/** `name="value"`: line ends and tabs, which a reader would turn into spaces, are kept by number. */
export function xmlAttribute(name: string, value: string): string {
	return `${name}="${xmlText(value).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`;
}

/** `<name attribute="…">content</name>`; without content an empty element. Content is XML already. */
export function xmlElement(name: string, attributes: Readonly<Record<string, string>>, content = ''): string {
	const head = [name, ...Object.entries(attributes).map(([key, value]) => xmlAttribute(key, value))].join(' ');
	return content === '' ? `<${head}/>` : `<${head}>${content}</${name}>`;
}
