// SPDX-License-Identifier: MIT
import type { SuiteGroup } from '../results/events.js';

/** One string a group. */
export function groupKey(group: SuiteGroup): string {
	return JSON.stringify([group.kernel, group.arch, group.machine, group.suite, group.subject]);
}

/** `source:6.12 arm64 default: alloc system` */
export function groupName(group: SuiteGroup): string {
	const where = `${group.kernel} ${group.arch} ${group.machine}`;
	return group.subject === '' || group.subject === group.suite
		? `${where}: ${group.suite}`
		: `${where}: ${group.suite} ${group.subject}`;
}
