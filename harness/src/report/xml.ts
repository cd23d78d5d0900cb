// SPDX-License-Identifier: MIT

/** What XML 1.0 cannot hold in any form (its production 2, Char): most control characters, halves of pairs. */
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;
const MARKUP: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as XML: what cannot be held becomes U+FFFD, and a carriage return survives the reader's line ends. */
export function xmlText(text: string): string {
	return text
		.replace(IMPOSSIBLE, '\ufffd')
		.replace(/[&<>"]/g, (c) => MARKUP[c] ?? c)
		.replaceAll('\r', '&#13;');
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
