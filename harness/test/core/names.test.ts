// SPDX-License-Identifier: MIT
import { homedir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { FencepostError } from '../../src/core/errors.js';
import { matchesGlob } from '../../src/core/glob.js';
import { contentId } from '../../src/core/hash.js';
import { nearest } from '../../src/core/nearest.js';
import { inRange, parseRelease } from '../../src/core/release.js';
import { absoluteSelector, lastingText, parseKernelSelector } from '../../src/core/selector.js';
import { parseYaml } from '../../src/core/yaml-source.js';

function refusal(work: () => unknown): FencepostError {
	try {
		work();
	} catch (error) {
		if (error instanceof FencepostError) return error;
		throw error;
	}
	throw new Error('nothing was refused');
}

t.test('kernel selectors', async (t) => {
	const accepted: [string, Record<string, unknown>][] = [
		['source:6.12', { kind: 'source', version: '6.12', profile: 'conformance' }],
		['source:newest,profile=debug', { kind: 'source', version: 'newest', profile: 'debug' }],
		['source:7.3-rc4', { kind: 'source', version: '7.3-rc4' }],
		['debian:7.2.12', { kind: 'debian', version: '7.2.12' }],
		['tree:.', { kind: 'tree', path: '.', revision: undefined, profile: 'conformance' }],
		['tree:/a/linux@v6.12~3', { kind: 'tree', path: '/a/linux', revision: 'v6.12~3' }],
		['tree:/a/b,c@HEAD,profile=coverage', { kind: 'tree', path: '/a/b,c', revision: 'HEAD', profile: 'coverage' }],
		['tree:/odd,name', { kind: 'tree', path: '/odd,name', revision: undefined }],
		['file:/boot/vmlinuz', { kind: 'file', path: '/boot/vmlinuz' }],
	];
	for (const [text, fields] of accepted) t.match(parseKernelSelector(text, '--kernel'), { ...fields, text }, text);
	const refused: [string, RegExp, RegExp][] = [
		['6.12', /no kind/, /did you mean source:6\.12\?/],
		['sorce:6.12', /unknown kind "sorce"/, /did you mean source:\?/],
		['source:', /nothing after source:/, /accepted/],
		['source:banana', /not a version/, /accepted/],
		['source:6.12,profil=debug', /unknown option "profil=debug"/, /accepted/],
		['debian:7.2,profile=debug', /not built here/, /accepted/],
		['file:/x,profile=debug', /not built here/, /accepted/],
		['tree:/a@', /nothing after @/, /accepted/],
		['', /no kind/, /accepted/],
	];
	for (const [text, message, hint] of refused) {
		const error = refusal(() => parseKernelSelector(text, 'plan.yaml:3:5'));
		t.equal(error.blame, 'usage', text);
		t.match(error.message, message, text);
		t.match(error.message, /^plan\.yaml:3:5: /, text);
		t.match(error.hint, hint, text);
	}
});

t.test('selectors that mean the same from anywhere', async (t) => {
	for (const [text, lasting] of [
		['tree:.', `tree:${process.cwd()}`],
		['tree:../linux@HEAD~2,profile=debug', `tree:${join(process.cwd(), '../linux')}@HEAD~2,profile=debug`],
		['tree:~/linux,profile=conformance', `tree:${homedir()}/linux`],
		['tree:/odd,name', 'tree:/odd,name'],
		['file:~', `file:${homedir()}`],
		['file:~user/Image', `file:${process.cwd()}/~user/Image`],
		['source:6.12,profile=debug', 'source:6.12,profile=debug'],
		['debian:newest', 'debian:newest'],
	] as const)
		t.equal(lastingText(parseKernelSelector(text, 'test')), lasting);
	t.match(absoluteSelector(parseKernelSelector('tree:a', 'test'), '/b'), { path: '/b/a', text: 'tree:a' });
	t.match(absoluteSelector(parseKernelSelector('tree:~/a', 'test'), '/b'), { path: join(homedir(), 'a') });
});

t.test('releases and ranges', async (t) => {
	t.same(parseRelease('6.12.107-fencepost'), [6, 12, 107]);
	t.same(parseRelease('7.3-rc4'), [7, 3, 0]);
	t.equal(parseRelease('linux'), undefined);
	const table: [string, { since?: string; until?: string }, boolean][] = [
		['6.12.107', { until: '6.12' }, true],
		['6.13.0', { until: '6.12' }, false],
		['5.10.223', { since: '5.11' }, false],
		['6.1.0', { since: '6.1', until: '6.12' }, true],
		['6.12.107', { until: '6.12.106' }, false],
		['10.0.1', { since: '7.2' }, true],
	];
	for (const [release, range, expected] of table) {
		t.equal(inRange(parseRelease(release) ?? [0, 0, 0], range), expected, `${release} in ${JSON.stringify(range)}`);
	}
});

t.test('globs, neighbours, ids', async (t) => {
	t.ok(matchesGlob('heap.alloc.len-zero', 'heap.alloc.*'));
	t.notOk(matchesGlob('heapXalloc', 'heap.alloc'));
	t.ok(matchesGlob('acme,frames', 'acme?frames'));
	t.equal(nearest('aloc', ['alloc', 'mmap', 'sync']), 'alloc');
	t.equal(nearest('xyzzyplugh', ['alloc', 'mmap']), undefined);
	t.not(contentId({ a: '1', b: '2' }), contentId({ a: '12', b: '' }));
	t.equal(contentId({ a: '1', b: '2' }), contentId({ b: '2', a: '1' }));
});

t.test('YAML errors name file, line and column', async (t) => {
	const schema = z.strictObject({
		machines: z.array(
			z.union([
				z.string(),
				z.strictObject({ memoryMiB: z.int(), cma: z.strictObject({ sizeMiB: z.int() }).optional() }),
			]),
		),
	});
	const table: [string, RegExp, RegExp?][] = [
		['machines: [a]\nkernals: []\n', /^p\.yaml:2:10: unknown field "kernals"/],
		['machines:\n  - memoryMiB: lots\n', /^p\.yaml:2:16: machines\.0\.memoryMiB: .*\(found "lots"\)/],
		['machines:\n  - memoryMiB: 64\n    cma: { size: 3 }\n', /^p\.yaml:3:/],
		['machines: [\n', /^p\.yaml:\d+:\d+: /],
		['', /an empty file/],
		['machines: [a]\nmachines: [b]\n', /unique/],
		[
			'machines:\n  - { memoryMiB: 1, cma: { sizeMib: 3 } }\n',
			/^p\.yaml:2:37: unknown field "sizeMib" in machines\.0\.cma/,
		],
		['machines: 3\n', /^p\.yaml:1:11: machines: expected a list \(found 3\)/],
		['machines: &a [*a]\n', /^p\.yaml:1:15: \*a is a part of what it stands for/],
		['machines: [*b]\n', /^p\.yaml:1:12: \*b, but nothing above is called &b/],
		['a: &a [x]\nb: &b [*a]\nmachines: [*b]\n', /^p\.yaml:3:12: \*b stands for what has aliases itself/],
		[`a: &a x\nmachines: [${'*a, '.repeat(101)}]\n`, /^p\.yaml:2:\d+: more than 100 aliases/],
		['machines: [a]\n---\nmachines: [b]\n', /^p\.yaml:2:1: a second document begins here/],
		[`${'['.repeat(50_000)}\n`, /^p\.yaml:1:\d+: nested too deep/],
		[`# ${'x'.repeat(1024 * 1024)}`, /larger than 1048576 bytes/],
	];
	for (const [text, message] of table)
		t.match(refusal(() => parseYaml(text, 'p.yaml', schema)).message, message, JSON.stringify(text));
	t.same(parseYaml('machines: [&a x, *a]', 'p.yaml', schema).value, { machines: ['x', 'x'] });
	t.match(refusal(() => parseYaml('machins: []', 'p.yaml', schema)).hint, /did you mean machines\?/);
});
