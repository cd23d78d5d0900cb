// SPDX-License-Identifier: MIT
import { Cache } from '../core/cache.js';
import { usageError } from '../core/errors.js';
import { matchesGlob } from '../core/glob.js';
import { nearest } from '../core/nearest.js';
import { Progress } from '../core/progress.js';
import type { CaseInfo } from '../image/cases.js';
import { interruptSignal } from './interrupt.js';
import { allCases, programBuilder } from './programs.js';
import { createStatus, progressListener } from './progress.js';

export async function performList(options: { readonly json?: boolean; readonly suite?: string }): Promise<void> {
	const status = createStatus();
	const progress = new Progress('list', interruptSignal(), progressListener(status));
	const all = await allCases(programBuilder(new Cache(), progress)).finally(() => status.stop());
	const { suite } = options;
	const cases = suite === undefined ? all : all.filter((one) => matchesGlob(one.suite, suite));
	if (suite !== undefined && cases.length === 0) {
		const names = [...new Set(all.map((one) => one.suite))];
		const meant = nearest(suite, names);
		throw usageError(
			'NOTHING_MATCHES',
			`--suite ${suite}: matches nothing`,
			`${meant ? `did you mean ${meant}? ` : ''}there are: ${names.join(', ')}`,
		);
	}
	process.stdout.write(options.json ? `${JSON.stringify(cases, null, 1)}\n` : cases.map(formatCase).join('\n'));
}

function formatCase(one: CaseInfo): string {
	const range = [one.since && `since ${one.since}`, one.until && `until ${one.until}`].filter(Boolean).join(' ');
	const facts = [one.class, range, one.needs.length > 0 && `needs ${one.needs.join(', ')}`].filter(Boolean).join('; ');
	return `${one.case}  [${one.catalogue}; ${facts}]\n    ${one.statement}\n    ${one.source}\n`;
}
