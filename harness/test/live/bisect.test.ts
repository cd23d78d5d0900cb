// SPDX-License-Identifier: MIT
// A real `git bisect run` over a kernel repository with 20 commits, of which one does not build and one does not boot.
// The first run commits a kernel source and builds it: minutes. Then a step takes seconds.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import { sleep } from '../../src/core/clock.js';
import { acquireLock } from '../../src/core/lock.js';
import { eventsOf, Fencepost, fencepost, resultsOf } from './host.js';

t.setTimeout(45 * 60_000);

const execute = promisify(execFile);
const project = process.cwd();
const CASE = ['--arch', 'x86_64', '--case', 'heap.alloc.len-zero', '--subject', 'system'];

interface Repository {
	readonly directory: string;
	readonly good: string;
	readonly bad: string;
	readonly commits: number;
	readonly 'first-bad': string;
	readonly 'does-not-build': string;
	readonly 'does-not-boot': string;
}

/** The repository in the cache, and nobody else bisecting in it meanwhile. */
async function prepare(): Promise<Repository> {
	const lock = await acquireLock(new Cache().workPath('locks', 'bisect-test'));
	t.teardown(() => lock.release());
	const { stdout } = await execute(process.execPath, ['scripts/bisect-repository.mjs', '--json']);
	return JSON.parse(stdout) as Repository;
}

async function git(directory: string, ...args: string[]): Promise<string> {
	const { stdout, stderr } = await execute('git', ['-C', directory, ...args], {
		maxBuffer: 64 * 1024 * 1024,
		env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', LC_ALL: 'C' },
	});
	return `${stdout}${stderr}`;
}

/** What each step of `git bisect run` said last. */
function answersOf(said: string): string[] {
	return [...said.matchAll(/^bisect: (.*)$/gm)].map(([, answer = '']) => answer);
}

const repository = await prepare();
const { directory } = repository;
const KERNEL = `tree:${directory}`;

t.test('git names the planted commit, across one that does not build and one that does not boot', async (t) => {
	t.ok(repository.commits >= 16, `${repository.commits} commits`);
	const changed = await git(directory, 'diff', '--name-only', repository.good, repository.bad);
	t.same(
		changed.split('\n').filter((file) => file !== '' && !file.startsWith('drivers/dma-buf/')),
		[],
		'all of them in drivers/dma-buf',
	);
	await git(directory, 'bisect', 'start', repository.bad, repository.good);
	const out = join(t.testdir(), 'step');
	const command = ['npx', '--prefix', project, 'fencepost', 'run', '--for-bisect', '--kernel', 'tree:.', ...CASE];
	const said = await git(directory, 'bisect', 'run', ...command, '--out', out);
	t.match(said, `${repository['first-bad']} is the first bad commit`);
	const log = await git(directory, 'bisect', 'log');
	const order = (await git(directory, 'rev-list', '--reverse', `${repository.good}..${repository.bad}`)).split('\n');
	const planted = order.indexOf(repository['first-bad']);
	const expected = (commit: string) => {
		if (commit === repository['does-not-build'])
			return ['skip', /^cannot judge \(exit 125\): machine\.build miss .*does not build.*error: .size. undeclared/];
		if (commit === repository['does-not-boot'])
			return ['skip', /^cannot judge \(exit 125\): machine\.boot crash .*Attempted to kill init/];
		return order.indexOf(commit) < planted
			? ['good', /^good \(exit 0\): 1 pass/]
			: ['bad', /^bad \(exit 1\): heap\.alloc\.len-zero fail on system, x86_64: expected -1 EINVAL/];
	};
	// The first two say where the bisect starts.
	const steps = [...log.matchAll(/^git bisect (good|bad|skip) (\w+)$/gm)].slice(-answersOf(said).length);
	t.match(
		steps.map(([, answer = ''], index) => [answer, answersOf(said)[index]]),
		steps.map(([, , commit = '']) => expected(commit)),
		log,
	);
	// It begins in the middle; what it takes instead of what it skipped depends on the names of the commits.
	t.equal(steps[0]?.[2], repository['does-not-build']);

	const folders = readdirSync(t.testdirName).filter((name) => name.startsWith('step'));
	t.equal(folders.length, steps.length, 'a folder for each step');
	for (const step of folders) {
		const end = (await eventsOf(join(t.testdirName, step))).find((event) => event.type === 'run-end');
		t.comment(`${step}: ${((end?.durationMs ?? 0) / 1000).toFixed(1)} s`);
	}
	t.equal(await git(directory, 'status', '--porcelain'), '', 'the tree is as git left it');
	await git(directory, 'bisect', 'reset');
});

t.test('a boot that panics is bad only by its own signature', async (t) => {
	await git(directory, 'checkout', '--quiet', repository['does-not-boot']);
	// In the tree itself, as people have it when they forget --out.
	const out = join(directory, 'runs');
	t.teardown(() => execute('rm', ['-rf', out]));
	const step = ['run', '--for-bisect', '--kernel', KERNEL, ...CASE];
	for (const [signature, status, said] of [
		[undefined, 125, /machine\.boot crash/],
		['RIP: .*dma_heap_init', 1, /the signature was seen: .*dma_heap_init/],
		['KASAN: slab-use-after-free', 125, /without the signature/],
		['panic=', 125, /without the signature/],
	] as const) {
		const shown = await fencepost(
			...step,
			...(signature === undefined ? [] : ['--signature', signature]),
			...['--out', join(out, 'one')],
		);
		t.equal(shown.status, status, shown.stderr);
		t.match(shown.stderr, said);
	}
	t.same((await resultsOf(join(out, 'one'))).exit, 1, 'the run itself is judged as ever');
	t.ok(existsSync(join(out, 'one-4', 'results.json')));
	t.equal(await git(directory, 'status', '--porcelain'), '', 'results in the tree are no change of it');
});

t.test('Ctrl-C stops a bisect', async (t) => {
	await git(directory, 'checkout', '--quiet', repository['first-bad']);
	const out = join(t.testdir(), 'run');
	const run = new Fencepost(['run', '--for-bisect', '--kernel', KERNEL, '--arch', 'x86_64', '--out', out]);
	while (!(await eventsOf(out)).some(({ type }) => type === 'guest-ready')) await sleep(100);
	run.kill('SIGINT');
	const { status, stderr } = await run.done;
	t.equal(status, 130);
	t.match(stderr, /\nbisect: interrupted \(exit 130\): [^\n]+\n$/);
	await git(directory, 'checkout', '--quiet', 'main');
});
