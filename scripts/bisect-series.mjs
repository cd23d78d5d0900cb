// SPDX-License-Identifier: MIT
// The commits of the repository for trying out a bisect: kernels/bisect/NN-NAME.patch, in order.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a commit is there for; the others are harmless. */
export const ROLES = ['first-bad', 'does-not-build', 'does-not-boot'];

/**
 * @typedef {object} SeriesPatch
 * @property {string} name
 * @property {string} message Subject and body of the commit.
 * @property {string | undefined} role One of ROLES.
 * @property {string} diff
 * @property {string} text The whole file.
 */

const PATCH = /^Subject: (?<subject>.+)\n(?:Role: (?<role>\S+)\n)?\n(?<body>[\s\S]+?)\n---\n(?<diff>--- a\/[\s\S]+)$/;

/** @returns {SeriesPatch} */
function readPatch(folder, name) {
	const text = readFileSync(join(folder, name), 'utf8');
	const { subject, role, body, diff } = PATCH.exec(text)?.groups ?? {};
	if (!subject || (role && !ROLES.includes(role))) {
		throw new Error(
			`${join(folder, name)}: expected Subject:, perhaps Role: ${ROLES.join('|')}, a body, --- and a diff`,
		);
	}
	return { name, message: `${subject}\n\n${body}\n`, role, diff, text };
}

/** The series, first commit first. @returns {SeriesPatch[]} */
export function readSeries(root) {
	const folder = join(root, 'kernels/bisect');
	const files = readdirSync(folder).filter((file) => file.endsWith('.patch'));
	return files.sort().map((file) => readPatch(folder, file));
}
