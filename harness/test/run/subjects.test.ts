// SPDX-License-Identifier: MIT
import t from 'tap';
import { type Assignment, assign, type SuiteProgram } from '../../src/run/assignment.js';
import { heapKind, suiteSubject } from '../../src/run/subjects.js';
import { facts, machine } from './scripted.js';

function suiteThatNeeds(name: string, ...needs: string[]): SuiteProgram {
	const cases = [{ case: `${name}.one`, catalogue: '', needs }];
	return { name, guestPath: `/suites/${name}`, args: [], cases, file: undefined, option: undefined };
}

const suites = [suiteThatNeeds('alloc', 'heap'), suiteThatNeeds('ion', 'ion'), suiteThatNeeds('fence', 'sw_sync')];
const told = (all: readonly Assignment[]) => all.map(({ suite, subject, instead }) => [suite.name, subject, instead]);

t.test('a subject says what sort of heap it is, and a suite what it is run against', async (t) => {
	const kinds = { system: 'system', reserved: 'cma', 'linux,cma': 'cma', 'acme,frames': 'vendor', 'ion:system': 'ion' };
	for (const [name, kind] of Object.entries(kinds)) t.equal(heapKind(name), kind, name);
	t.same(suiteSubject(['heap dma-heap', 'heap']), { perHeap: true });
	t.same(suiteSubject(['ion']), { perHeap: false, subject: 'ion' });
});

t.test('heaps of ION are heaps beside the others, where the guest lists them', async (t) => {
	const own = { ...machine, heaps: ['system'] };
	const there = { ...facts, heaps: ['system', 'ion:system'] };
	t.same(told(assign(suites, own, there, new Map(), { subjects: undefined, shard: undefined })), [
		['alloc', 'system', undefined],
		['alloc', 'ion:system', undefined],
		['ion', 'ion', undefined],
		['fence', 'sw_sync', undefined],
	]);
	const asked = { subjects: ['system', 'ion:system'], shard: undefined };
	const absent = { ...facts, heaps: ['system'] };
	const withoutOption = (options: readonly string[]) =>
		options.includes('CONFIG_ION') ? 'built without CONFIG_ION' : undefined;
	t.same(told(assign(suites, own, absent, new Map(), asked, { withoutOption })), [
		['alloc', 'system', undefined],
		['alloc', 'ion:system', { verdict: 'skip', reason: 'built without CONFIG_ION' }],
	]);
	t.match(told(assign(suites, own, absent, new Map(), asked)).at(-1), [
		'alloc',
		'ion:system',
		{ verdict: 'miss', reason: 'heap ion:system was asked for; the guest has system' },
	]);
});
