// SPDX-License-Identifier: MIT
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type Arch, hostArch } from '../../src/core/architectures.js';
import { Cache } from '../../src/core/cache.js';
import { OtherUsers } from '../../src/core/cache-users.js';
import { type Holding, listHoldings, removeHolding } from '../../src/core/holding.js';
import { Progress, type ProgressEvent } from '../../src/core/progress.js';
import { parseKernelSelector } from '../../src/core/selector.js';
import { compiledFraction, compilerWords, firstError } from '../../src/kernel/compile.js';
import { removeHalfWritten } from '../../src/kernel/half-written.js';
import { KERNEL_HOLDINGS, keptKernels, matchKept } from '../../src/kernel/kept.js';
import { makefileRelease } from '../../src/kernel/kernel-tree.js';
import { resolveKernel } from '../../src/kernel/resolve.js';
import { commitAll, git, writeMiniature, writeProject } from './miniature.js';

const ARCH: Arch = hostArch ?? 'x86_64';

// The folders of these tests lie in a checkout; git must not take them for part of it.
process.env['GIT_CEILING_DIRECTORIES'] = join(t.testdirName, '..');

interface Bench {
	readonly parent: string;
	readonly tree: string;
	readonly cache: Cache;
	readonly events: ProgressEvent[];
	/** Names of the C files compiled since the last call. */
	readonly built: () => string[];
	readonly resolve: (selector: string, arch?: Arch, signal?: AbortSignal) => ReturnType<typeof resolveKernel>;
}

function bench(parent: string, fragment?: string): Bench {
	const tree = writeMiniature(parent);
	const projectRoot = writeProject(parent, fragment);
	const cache = new Cache(join(parent, 'cache'));
	const events: ProgressEvent[] = [];
	const log = join(parent, 'built.log');
	return {
		parent,
		tree,
		cache,
		events,
		built: () => {
			const names = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
			rmSync(log, { force: true });
			return names.filter((name) => name !== '').sort();
		},
		resolve: (selector, arch = ARCH, signal = new AbortController().signal) =>
			resolveKernel(parseKernelSelector(selector, 'test'), arch, {
				cache,
				projectRoot,
				progress: new Progress('test', signal, (event) => events.push(event)),
			}),
	};
}

/** Every file of a folder with its size and time, to see whether anything was touched. */
const listing = (directory: string) =>
	execFileSync('find', [directory, '-printf', '%P %s %T@ %m\n'], { encoding: 'utf8' }).split('\n').sort().join('\n');

t.test('a working tree: built beside, kept by content, built on when it changes', async (t) => {
	const { tree, built, resolve, cache, events, parent } = bench(t.testdir({}));
	commitAll(tree);
	const before = listing(tree);
	const first = await resolve(`tree:${tree}`);
	t.same(built(), ['init/main', 'mm/heap']);
	t.match(first, { selector: `tree:${tree}`, arch: ARCH, release: '6.12.7', version: [6, 12, 7] });
	t.same(Object.fromEntries(first.config ?? []), { CONFIG_HEAPS: 'y', CONFIG_MODULES: 'y' });
	t.ok(statSync(first.image).isFile());
	t.same(
		readdirSync(join(first.modulesRoot ?? '', 'lib', 'modules', '6.12.7')),
		['kernel'],
		'without links into the build',
	);
	t.ok(first.buildDirectory && existsSync(join(first.buildDirectory, 'vmlinux')));
	t.equal(listing(tree), before, 'the tree is as it was');
	const phases = (state: string) =>
		events.filter((event) => event.state === state && event.phase !== 'note').map(({ phase }) => phase);
	t.same(phases('done'), ['configure', 'compile', 'strip']);
	const fractions = events.filter(({ phase }) => phase === 'compile').flatMap(({ fraction }) => fraction ?? []);
	t.ok(
		fractions.length >= 3 &&
			fractions.every((fraction, index) => fraction >= (fractions[index - 1] ?? 0) && fraction < 1),
	);

	events.length = 0;
	t.equal((await resolve(`tree:${tree}`)).id, first.id);
	t.same([built(), phases('start')], [[], []], 'nothing is done a second time');

	writeFileSync(join(tree, 'mm/heap.c'), 'int heap(void) { return 2; }\n');
	const changed = await resolve(`tree:${tree}`);
	t.same(built(), ['mm/heap'], 'only what changed is compiled');
	t.not(changed.id, first.id);
	t.match(changed.provenance, [/gcc/, 'profile conformance', /and 1 changed file$/]);
	t.equal((await resolve(`tree:${tree},profile=conformance`)).id, changed.id);

	writeFileSync(join(tree, 'untracked.c'), 'int x;\n');
	t.not((await resolve(`tree:${tree}`)).id, changed.id, 'an untracked file counts');
	writeFileSync(join(tree, 'ignored.o'), 'x');
	rmSync(join(tree, 'untracked.c'));
	t.equal((await resolve(`tree:${tree}`)).id, changed.id, 'an ignored one does not');
	git(tree, 'checkout', '-q', '--', '.');
	built();
	const back = await resolve(`tree:${tree}`);
	t.equal(back.id, first.id, 'back to the first');
	t.same(built(), [], 'which is kept');
	t.equal(back.buildDirectory, undefined, 'though the build folder has moved on');

	writeFileSync(back.image, 'damaged');
	t.equal((await resolve(`tree:${tree}`)).id, first.id);
	t.same(built(), ['mm/heap'], 'a damaged kernel is built again');
	t.ok(events.some(({ phase, detail }) => phase === 'note' && /image is not what was stored/.test(detail ?? '')));

	t.not(
		(await resolve(`tree:${relative(process.cwd(), tree)},profile=debug`)).buildDirectory,
		first.buildDirectory,
		'a profile has its own folder',
	);
	const kept = await keptKernels(cache);
	t.ok(kept.length >= 3);
	const [debug, ...others] = matchKept(kept, `tree:${relative(process.cwd(), tree)},profile=debug`, [ARCH]);
	t.match(debug?.kernel, { selector: `tree:${tree},profile=debug` }, 'named as it can be from anywhere');
	t.same(others, []);
	t.equal(matchKept(kept, first.id.slice(0, 10), [ARCH])[0]?.id, first.id);
	t.ok(matchKept(kept, '6.12.7', [ARCH]).length >= 3);
	t.equal(matchKept(kept, '6.12.7', ARCH === 'arm64' ? ['x86_64'] : ['arm64']).length, 0);

	t.ok((await removeAll(cache)).every(({ bytes }) => bytes > 0));
	t.same(readdirSync(join(parent, 'cache', 'builds')), []);
	t.same(await keptKernels(cache), []);
	built();
	t.equal((await resolve(`tree:${tree}`)).id, first.id, 'and all of it can be made again');
});

/** What pruning does with everything that a kernel leaves in the cache. */
async function removeAll(cache: Cache): Promise<readonly Holding[]> {
	const progress = new Progress('prune', new AbortController().signal);
	const holdings = await listHoldings(cache, KERNEL_HOLDINGS, progress);
	const users = await OtherUsers.of(cache.root);
	for (const one of holdings) t.equal(await removeHolding(cache, one, users, progress.signal), undefined, one.path);
	return holdings;
}

t.test('revisions: one worktree, incremental from one to the next', async (t) => {
	const { parent, tree, built, resolve, events, cache } = bench(t.testdir({}));
	commitAll(tree);
	git(tree, 'tag', 'v1');
	writeFileSync(join(tree, 'mm/heap.c'), 'int heap(void) { return 2; }\n');
	git(tree, 'commit', '-qam', 'two');
	writeFileSync(join(tree, 'mm/heap.c'), 'this does not compile\n');
	writeFileSync(join(tree, '.config'), '');
	const hook = join(tree, '.git', 'hooks', 'post-checkout');
	writeFileSync(hook, `#!/bin/sh\ntouch ${parent}/hooked\n`, { mode: 0o755 });
	const files = execFileSync('find', [tree, '-path', '*/.git', '-prune', '-o', '-printf', '%P %s %T@\n'], {
		encoding: 'utf8',
	});

	const one = await resolve(`tree:${tree}@v1`);
	t.same(built(), ['init/main', 'mm/heap']);
	const two = await resolve(`tree:${tree}@main`);
	t.same(built(), ['mm/heap'], 'only what differs is compiled');
	t.not(one.id, two.id);
	t.equal((await resolve(`tree:${tree}@HEAD~1`)).id, one.id);
	t.same(built(), [], 'a revision under another name');
	t.match(two.provenance.at(-1), new RegExp(`at ${git(tree, 'rev-parse', 'HEAD').slice(0, 12)} \\(main\\)$`));
	t.equal(
		execFileSync('find', [tree, '-path', '*/.git', '-prune', '-o', '-printf', '%P %s %T@\n'], { encoding: 'utf8' }),
		files,
	);
	t.notOk(existsSync(join(parent, 'hooked')), "the repository's hooks do not run");
	t.equal(git(tree, 'status', '--porcelain', '--untracked-files=no').trim(), 'M mm/heap.c');

	const worktrees = join(parent, 'cache', 'worktrees');
	t.equal(readdirSync(worktrees).length, 1);
	rmSync(worktrees, { recursive: true });
	rmSync(join(parent, 'cache', 'kernels'), { recursive: true });
	t.equal((await resolve(`tree:${tree}@v1`)).id, one.id, 'a worktree that is gone is made again');
	t.ok((await removeAll(cache)).some(({ kind }) => kind.name === 'worktrees'));
	t.equal(git(tree, 'worktree', 'list').split('\n').length, 1, 'pruning leaves no record in the repository');

	git(parent, 'clone', '-q', '--bare', tree, join(parent, 'bare.git'));
	t.equal((await resolve(`tree:${join(parent, 'bare.git')}@v1`)).id, one.id, 'a bare repository will do');

	const at = join(parent, 'with@sign');
	execFileSync('cp', ['-r', tree, at]);
	rmSync(join(at, '.config'));
	git(at, 'checkout', '-q', '--force', 'v1');
	t.equal((await resolve(`tree:${at}`)).id, one.id, 'an @ may be part of a path');

	await t.rejects(resolve(`tree:${tree}@v2`), {
		code: 'REVISION_UNKNOWN',
		message: /has no revision "v2"/,
		hint: /did you mean v1\?/,
	});
	await t.rejects(resolve(`tree:${tree}@--upload-pack=x`), { code: 'REVISION_UNKNOWN' });
	await t.rejects(resolve(`tree:${tree}`), { code: 'TREE_CONFIGURED_IN_PLACE', hint: /mrproper.*@HEAD/s });
	t.ok(events.some(({ phase }) => phase === 'checkout'));
});

t.test('a tree that is not under git is known by its files', async (t) => {
	const { tree, built, resolve } = bench(t.testdir({}));
	const first = await resolve(`tree:${tree}`);
	t.equal((await resolve(`tree:${tree}`)).id, first.id);
	built();
	utimesSync(join(tree, 'mm/heap.c'), new Date(), new Date(Date.now() + 2000));
	t.not((await resolve(`tree:${tree}`)).id, first.id);
	t.same(built(), ['mm/heap']);
	await t.rejects(resolve(`tree:${tree}@HEAD`), { code: 'TREE_NOT_GIT', hint: new RegExp(`tree:${tree} for`) });
});

t.test('what is not a kernel tree, and trees that do not build', async (t) => {
	const { parent, tree, resolve, cache } = bench(t.testdir({ other: { Makefile: 'all:\n' }, none: {} }));
	await t.rejects(resolve(`tree:${join(parent, 'missing')}`), { code: 'TREE_MISSING' });
	await t.rejects(resolve(`tree:${join(parent, 'none')}`), { code: 'TREE_NOT_KERNEL', message: /no Makefile/ });
	await t.rejects(resolve(`tree:${join(parent, 'other')}`), { code: 'TREE_NOT_KERNEL', message: /no VERSION/ });
	commitAll(join(parent, 'other'));
	await t.rejects(resolve(`tree:${join(parent, 'other')}@HEAD`), { code: 'TREE_NOT_KERNEL' });
	await t.rejects(resolve(`tree:${tree},profile=debgu`), { code: 'PROFILE_UNKNOWN', hint: /did you mean debug/ });
	t.same(makefileRelease('VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n'), [7, 3, 4]);
	t.equal(makefileRelease('VERSION = x\n'), undefined);

	writeFileSync(join(tree, 'mm/heap.c'), 'int heap(void) { return nothing; }\n');
	await t.rejects(resolve(`tree:${tree}`), {
		code: 'KERNEL_BUILD_FAILED',
		blame: 'kernel',
		evidence: /heap\.c:1:\d+: error: .nothing. undeclared/,
	});
	t.same(await keptKernels(cache), [], 'nothing is kept of it');
	t.same(readdirSync(join(parent, 'cache', 'tmp')), []);
	writeFileSync(join(tree, 'Makefile'), `${readFileSync(join(tree, 'Makefile'), 'utf8')}\n  broken makefile\n`);
	await t.rejects(resolve(`tree:${tree}`), {
		code: 'KERNEL_CONFIGURE_FAILED',
		blame: 'kernel',
		evidence: /missing separator/,
	});

	t.same(
		compilerWords(['make[1]: Entering', 'warning: old', 'a.c:1: error: x', 'note', 'make[2]: *** [a.o] Error 1']),
		['warning: old', 'a.c:1: error: x', 'note'],
	);
	const unreadable = ['make[1]: *** [Makefile:9: all] Error 2', '/m/Kbuild:2: *** missing separator.  Stop.'];
	t.same(compilerWords(unreadable), unreadable.slice(1));
	t.equal(firstError(unreadable), unreadable[1]);
	t.equal(firstError(['make: *** [Makefile:9: all] Error 2', ' CC a.o', 'a.c:1: error: x']), 'a.c:1: error: x');
	t.equal(firstError(['make[1]: *** [Makefile:9: all] Segmentation fault']), undefined, 'says nothing');
	const steps = Array.from({ length: 3000 }, (_, step) => compiledFraction(0, step, 1000));
	t.ok(
		steps.every((fraction, step) => fraction >= (steps[step - 1] ?? 0) && fraction < 1),
		'progress never falls nor ends',
	);
});

t.test('an option that does not survive is an error that says why', async (t) => {
	const lost = bench(
		t.testdir({}),
		'CONFIG_HEAPS=y\nCONFIG_ABSENT=y\nCONFIG_ELSEWHERE=y # where known\nCONFIG_OLD=y # until 5.10\n',
	);
	const makefile = join(lost.tree, 'Makefile');
	// The miniature's allnoconfig knows no dependencies: have it lose what depends on MODULES, as kconfig would.
	writeFileSync(
		makefile,
		readFileSync(makefile, 'utf8').replace(
			'|| true\n',
			'|| true\n\t@grep -q MODULES=y $(O)/.config || sed -i /HEAPS/d $(O)/.config\n',
		),
	);
	const error: unknown = await lost.resolve(`tree:${lost.tree}`).catch((caught: unknown) => caught);
	t.match(error, { code: 'OPTION_LOST', blame: 'usage' });
	const message = error instanceof Error ? error.message : '';
	t.match(message, /2 options that are asked for did not survive/);
	t.match(
		message,
		/CONFIG_HEAPS=y \(kernels\/fragments\/base\.config:1\) became not set: lib\/Kconfig:1 depends on MODULES \(=n\)/,
	);
	t.match(message, /CONFIG_ABSENT=y \(.*:2\) became not set: this kernel has no such option/);
	t.notMatch(message, /ELSEWHERE|OLD/);
});

t.test('a tree that changes while it is built is not kept', async (t) => {
	const { tree, resolve, cache, built } = bench(t.testdir({}));
	commitAll(tree);
	const makefile = join(tree, 'Makefile');
	writeFileSync(
		makefile,
		readFileSync(makefile, 'utf8').replace('@echo "  LD ', `@echo "int y;" >> $(CURDIR)/late.c\n\t@echo "  LD `),
	);
	await t.rejects(resolve(`tree:${tree}`), { code: 'TREE_CHANGED', blame: 'infrastructure' });
	t.same(await keptKernels(cache), []);
	t.same(built().length, 2);
});

t.test('two at once: one builds, the other waits', async (t) => {
	const { tree, resolve, built } = bench(t.testdir({}));
	commitAll(tree);
	const [a, b] = await Promise.all([resolve(`tree:${tree}`), resolve(`tree:${tree}@HEAD`), resolve(`tree:${tree}`)]);
	t.equal(a.id, b.id, 'the same content has the same id, from wherever');
	t.ok(built().length <= 4, 'and each folder was built once');
});

/** A harness of its own, that resolves a tree until it is killed. */
function spawnHarness(parent: string, tree: string): ChildProcess {
	const from = (path: string) => JSON.stringify(join(dirname(fileURLToPath(import.meta.url)), '../../src', path));
	const script = `
		const { resolveKernel } = await import(${from('kernel/resolve.js')});
		const { parseKernelSelector } = await import(${from('core/selector.js')});
		const { Progress } = await import(${from('core/progress.js')});
		const { Cache } = await import(${from('core/cache.js')});
		await resolveKernel(parseKernelSelector(${JSON.stringify(`tree:${tree}`)}, 'test'), '${ARCH}', {
			cache: new Cache(${JSON.stringify(join(parent, 'cache'))}), projectRoot: ${JSON.stringify(join(parent, 'project'))},
			progress: new Progress('test', new AbortController().signal),
		});`;
	return spawn(process.execPath, ['--input-type=module', '-e', script], {
		stdio: 'ignore',
		env: { ...process.env, NODE_OPTIONS: '' },
	});
}

const builders = (parent: string) =>
	execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
		.split('\n')
		.filter((line) => /\bmake\b/.test(line) && line.includes(join(parent, 'cache', 'builds')));

async function until(what: () => boolean, timeoutMs = 60_000): Promise<boolean> {
	const end = Date.now() + timeoutMs;
	while (Date.now() < end) {
		if (what()) return true;
		await sleep(50);
	}
	return false;
}

t.test('killed or aborted in the middle: nobody goes on, and the next build takes it up', async (t) => {
	const { parent, tree, resolve, built, cache } = bench(t.testdir({}));
	const compiling = () => existsSync(join(parent, 'built.log'));
	const slow = join(parent, 'slow');

	writeFileSync(slow, '');
	const harness = spawnHarness(parent, tree);
	t.ok(await until(compiling), 'it compiles');
	t.ok(builders(parent).length > 0);
	harness.kill('SIGKILL');
	t.ok(await until(() => builders(parent).length === 0, 20_000), 'make ends with a harness that was killed');
	t.same(await keptKernels(cache), []);

	built();
	const controller = new AbortController();
	const aborted = resolve(`tree:${tree}`, ARCH, controller.signal);
	aborted.catch(() => {});
	t.ok(await until(compiling));
	controller.abort(new Error('stopped by the test'));
	await t.rejects(aborted, { message: 'stopped by the test' });
	t.ok(await until(() => builders(parent).length === 0, 20_000), 'make ends when it is aborted');

	rmSync(slow);
	built();
	const [folder] = readdirSync(join(parent, 'cache', 'builds'));
	const output = join(parent, 'cache', 'builds', folder ?? '');
	mkdirSync(join(output, 'mm'), { recursive: true });
	writeFileSync(join(output, 'mm', 'heap.o'), 'half an object');
	const kernel = await resolve(`tree:${tree}`);
	t.equal(kernel.release, '6.12.7');
	t.same(built(), ['init/main', 'mm/heap'], 'what was half-written is built anew');

	writeFileSync(join(tree, 'mm', 'heap.c'), 'int heap(void) { return 2; }\n');
	writeFileSync(join(output, 'mm', '.heap.o.cmd'), 'savedcmd_mm/heap.o := cc\n\ndeps_mm/heap.o := $(wildcard incl');
	await resolve(`tree:${tree}`);
	t.same(built(), ['mm/heap'], 'a .cmd that make cannot read is no fault of the tree');
});

/** What a .cmd may hold: cut at any place, and whole. */
const DEPENDENCIES = 'savedcmd_d.o := gcc -c d.c\n\nsource_d.o := d.c\n\ndeps_d.o := \\\n  a.h \\\n';
const COMMANDS: readonly (readonly [name: string, text: string])[] = [
	['d-empty.o', ''],
	['d-word.o', 'savedcmd_d.o := gcc -c d.c\n\nsource_d.o := d.c\n\ndeps_d.o := \\\n  $(wildcard incl'],
	['d-line.o', DEPENDENCIES],
	['d-source.o', 'savedcmd_d.o := gcc -c d.c\n\nsource_d.o := d.c\n\n'],
	['d-with.o', `${DEPENDENCIES}\nd.o: $(deps_d.o)\n\n$(deps_d.o):\n\nd.o: $(wildcard ./objtool)\n`],
];

t.test('what a killed build left half-written is told by its .cmd', async (t) => {
	const output = t.testdir({
		'whole.o': 'x',
		'.whole.o.cmd': 'x\n',
		'cut.o': 'x',
		'.cut.o.cmd': 'x\n',
		'lone.o': 'x',
		vmlinux: 'x',
		'.vmlinux.cmd': 'x\n',
		'notes.txt': 'x',
		...Object.fromEntries(
			COMMANDS.flatMap(([name, text]) => [
				[name, 'x'],
				[`.${name}.cmd`, text],
			]),
		),
	});
	const at = (name: string, seconds: number) => utimesSync(join(output, name), seconds, seconds);
	at('whole.o', 1000);
	at('.whole.o.cmd', 1001);
	at('cut.o', 1002);
	at('.cut.o.cmd', 1001);
	at('vmlinux', 1003);
	at('.vmlinux.cmd', 1001);
	for (const [name] of COMMANDS) {
		at(name, 1001);
		at(`.${name}.cmd`, 1002);
	}
	t.equal(await removeHalfWritten(output, new AbortController().signal), 3 + 2 * 4);
	t.same(
		readdirSync(output)
			.filter((name) => name.endsWith('.cmd'))
			.sort(),
		[...['.cut.o.cmd', '.d-with.o.cmd', '.vmlinux.cmd', '.whole.o.cmd']],
	);
	t.same(
		readdirSync(output)
			.filter((name) => !name.startsWith('.'))
			.sort(),
		['d-with.o', 'notes.txt', 'whole.o'],
	);
});
