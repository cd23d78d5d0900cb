// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import { Progress } from '../../src/core/progress.js';
import type { Release } from '../../src/core/release.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { buildModule } from '../../src/kernel/module-build.js';
import { checkModuleFolder, copyModuleSource, moduleFolderName } from '../../src/kernel/module-source.js';
import { moduleFiles } from '../../src/kernel/modules.js';
import { loadPatches, patchesId } from '../../src/kernel/patch.js';
import { patchedSource } from '../../src/kernel/patched-source.js';

const never = new AbortController().signal;

t.test('a module’s source is copied as it is now: links followed, products and circles left out', async (t) => {
	const parent = t.testdir({
		module: { Kbuild: 'obj-m := a.o\n', 'a.c': 'int a;\n', 'a.o': 'old', 'a.mod.c': 'old', '.a.o.cmd': '', sub: {} },
		'shared.h': 'int shared;\n',
	});
	const [module, copy, manifest] = ['module', 'copy', 'manifest'].map((name) => join(parent, name)) as [
		string,
		string,
		string,
	];
	symlinkSync('../shared.h', join(module, 'shared.h'));
	symlinkSync('..', join(module, 'sub', 'circle'));
	symlinkSync('nowhere', join(module, 'dangling'));
	execFileSync('mkfifo', [join(module, 'fifo')]);
	writeFileSync(join(module, 'sub', 'tool'), '#!/bin/sh\n');
	chmodSync(join(module, 'sub', 'tool'), 0o755);
	await checkModuleFolder(module);
	const first = await copyModuleSource(module, copy, manifest);
	t.same(readdirSync(copy).sort(), ['Kbuild', 'a.c', 'shared.h', 'sub']);
	t.same(readdirSync(join(copy, 'sub')), ['tool']);
	t.ok(lstatSync(join(copy, 'shared.h')).isFile(), 'a link is what it leads to');
	t.ok(statSync(join(copy, 'sub', 'tool')).mode & 0o100);

	utimesSync(join(copy, 'a.c'), 1e9, 1e9);
	writeFileSync(join(copy, 'a.o'), 'built here');
	writeFileSync(join(parent, 'shared.h'), 'int other;\n');
	rmSync(join(module, 'sub'), { recursive: true });
	const second = await copyModuleSource(module, copy, manifest);
	t.not(second, first);
	t.equal(statSync(join(copy, 'a.c')).mtimeMs, 1e12, 'what is the same is not written again');
	t.equal(readFileSync(join(copy, 'shared.h'), 'utf8'), 'int other;\n');
	t.same([existsSync(join(copy, 'sub', 'tool')), existsSync(join(copy, 'a.o'))], [false, true]);
	t.equal(await copyModuleSource(module, copy, manifest), second);
});

t.test('folders that are no module are refused, with what is accepted', async (t) => {
	const parent = t.testdir({ file: '', empty: {}, large: { Makefile: '' }, many: { Kbuild: '' } });
	truncateSync(join(parent, 'large', 'Makefile'), 65 * 1024 * 1024);
	for (let i = 0; i < 2001; i++) writeFileSync(join(parent, 'many', `${i}.c`), '');
	const table: [string, string, RegExp][] = [
		['gone', 'MODULE_FOLDER', /cannot be read \(ENOENT\)/],
		['file', 'MODULE_FOLDER', /is no folder/],
		['empty', 'MODULE_WITHOUT_KBUILD', /neither a Kbuild nor a Makefile/],
		['large', 'MODULE_TOO_LARGE', /more than 2000 files or 64 MiB/],
		['many', 'MODULE_TOO_LARGE', /more than 2000 files or 64 MiB/],
	];
	for (const [name, code, message] of table)
		await t.rejects(checkModuleFolder(join(parent, name)), { code, blame: 'usage', message }, name);
	t.equal(moduleFolderName('/a/acme heap'), 'acme_heap');
});

t.test('a kernel that was not built here has nothing to build against', async (t) => {
	const kernel: Kernel = {
		...{ selector: 'debian:7.2', id: 'k', arch: 'arm64', release: '7.2.12', version: [7, 2, 12], image: '/i' },
		...{ config: undefined, modulesRoot: undefined, buildDirectory: undefined, provenance: [] },
	};
	const context = { cache: new Cache(join(t.testdir(), 'cache')), progress: new Progress('test', never) };
	await t.rejects(buildModule(kernel, '/m', context), {
		code: 'MODULE_NEEDS_BUILT_KERNEL',
		blame: 'infrastructure',
		hint: /source:VERSION or tree:PATH, or a stock one/,
	});
});

t.test('patches: by release, shown over a source that is not touched', async (t) => {
	const conformance = { profile: 'conformance', asItIs: false };
	const names = async (release: Release, options = conformance) =>
		(await loadPatches('.', { release, ...options })).map(({ name }) => name);
	t.same(await names([5, 10, 223]), ['heap-exports']);
	t.same(await names([6, 12, 107]), ['heap-exports', 'heap-name-export']);
	t.same(await names([7, 2, 0]), []);
	t.same(await names([7, 2, 0], { profile: 'coverage', asItIs: false }), ['coverage']);
	t.same(await names([6, 12, 107], { profile: 'coverage', asItIs: true }), ['coverage'], 'of a tree, its profile only');
	t.same(await names([6, 12, 107], { profile: 'debug', asItIs: true }), []);
	t.equal(patchesId([]), undefined);

	const heap =
		'void *drvdata(void)\n{\n\treturn heap->priv;\n}\n\nint add(void)\n{\n\treturn err_ret;\n}\n\nint init;\n';
	const parent = t.testdir({
		source: {
			Makefile: 'all:\n',
			'.git': {},
			mm: { 'a.c': '' },
			drivers: { x: {}, 'dma-buf': { 'dma-heap.c': heap, 'b.c': '' } },
		},
	});
	const [source, view] = [join(parent, 'source'), join(parent, 'view')];
	const cache = new Cache(join(parent, 'cache'));
	const patches = (await loadPatches('.', { release: [5, 10, 0], ...conformance })).filter(
		({ name }) => name === 'heap-exports',
	);
	const before = execFileSync('find', [source, '-printf', '%P %T@ %s\n'], { encoding: 'utf8' });
	const shown = await patchedSource(source, patches, view, cache, never);
	t.match(shown, { path: view, applied: [{ name: 'heap-exports' }] });
	const patched = join(view, 'drivers/dma-buf/dma-heap.c');
	t.match(
		readFileSync(patched, 'utf8'),
		/\}\nEXPORT_SYMBOL_GPL\(dma_heap_get_drvdata\);\n[\s\S]*EXPORT_SYMBOL_GPL\(dma_heap_add\);\n/,
	);
	t.same(readdirSync(view).sort(), ['Makefile', 'drivers', 'mm']);
	t.ok(lstatSync(join(view, 'mm')).isSymbolicLink());
	t.ok(lstatSync(join(view, 'drivers/dma-buf/b.c')).isSymbolicLink());
	t.equal(execFileSync('find', [source, '-printf', '%P %T@ %s\n'], { encoding: 'utf8' }), before);

	utimesSync(patched, 1e9, 1e9);
	rmSync(join(source, 'mm'), { recursive: true });
	mkdirSync(join(source, 'net'));
	await patchedSource(source, patches, view, cache, never);
	t.same(readdirSync(view).sort(), ['Makefile', 'drivers', 'net'], 'it follows the source');
	t.equal(statSync(patched).mtimeMs, 1e12, 'and nothing is built anew for it');

	writeFileSync(join(source, 'drivers/dma-buf/dma-heap.c'), `${heap}EXPORT_SYMBOL_GPL(add);\n`);
	t.same(await patchedSource(source, patches, view, cache, never), { path: source, applied: [] }, 'not needed');
	writeFileSync(join(source, 'drivers/dma-buf/dma-heap.c'), 'something else\n');
	await t.rejects(patchedSource(source, patches, view, cache, never), {
		code: 'PATCH_REFUSED',
		message: /heap-exports\.patch does not apply/,
		hint: /make that change in the tree by hand/,
	});
	t.same(readdirSync(join(parent, 'cache', 'tmp')), []);
});

t.test(
	'modules that a machine names come with what they need; one that a kernel lacks is that kernel’s miss',
	async (t) => {
		const folder = {
			'modules.dep': 'kernel/vgem.ko: kernel/drm.ko\nkernel/drm.ko:\n',
			'modules.builtin': 'kernel/udmabuf.ko\n',
		};
		const root = t.testdir({ lib: { modules: { '6.12.1': folder } }, cache: {} });
		const kernel = { selector: 'source:6.12', arch: 'arm64', release: '6.12.1', modulesRoot: root } as Kernel;
		const context = { cache: new Cache(join(root, 'cache')), progress: new Progress('test', never), projectRoot: root };
		const files = await moduleFiles(kernel, ['udmabuf', 'vgem'], context);
		t.same(
			files.map(({ name }) => name),
			['drm', 'vgem'],
		);
		await t.rejects(moduleFiles(kernel, ['vgme'], context), {
			message: 'the kernel source:6.12 for arm64 has no module vgme',
			hint: 'did you mean vgem?',
			blame: 'infrastructure',
		});
	},
);
