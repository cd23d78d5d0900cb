// SPDX-License-Identifier: MIT
// What may happen to a run from outside: QEMU killed, disks full, another run beside it. Nothing of it passes for a
// verdict on a kernel, nothing that was judged is lost, and nothing is left running.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { defaultCacheRoot } from '../../src/core/cache.js';
import { sleep } from '../../src/core/clock.js';
import { run } from '../../src/core/process.js';
import type { RunEvent } from '../../src/results/events.js';
import { bad, eventsOf, Fencepost, fencepost, resultsOf, type Shown } from './host.js';

const RUN = ['run', '--kernel', 'source:6.12', '--arch', 'arm64'];
t.setTimeout(45 * 60_000);
t.jobs = 4;

/** Waits until the command's event log holds what is looked for, or the command has ended. */
async function until(
	command: Fencepost,
	directory: string,
	found: (events: readonly RunEvent[]) => boolean,
): Promise<void> {
	let over = false;
	command.done.then(() => {
		over = true;
	});
	while (!over && !found(await eventsOf(directory).catch(() => []))) await sleep(20);
}

t.test('QEMU killed from outside: a miss that says so, and the case is run again', async (t) => {
	const out = join(t.testdir(), 'run');
	const command = new Fencepost([...RUN, '--suite', 'alloc', '--subject', 'system', '--out', out]);
	// A clone that is there, not one that is still restored, nor the guest that the template is made of.
	const isClone = (event: RunEvent) => event.type === 'guest-ready' && event.template === undefined;
	await until(command, out, (events) => events.some(isClone));
	await sleep(100);
	for (const pid of command.pidsOf(/^qemu/)) process.kill(pid, 'SIGKILL');
	const { status, stderr } = await command.done;
	const { results } = await resultsOf(out);
	t.equal(status, 0, stderr);
	t.same(bad(results), []);
	t.ok(results.length > 25, 'every case was judged');
	t.same(command.leftovers(), []);
	const lost = results.flatMap(({ earlier }) => earlier ?? []);
	const events = await eventsOf(out);
	const killedGuests = events.filter((event) => event.type === 'guest-end' && event.how === 'killed');
	t.ok(killedGuests.length > 0, 'a guest was killed');
	for (const { verdict, reason } of lost) t.match(`${verdict} ${reason}`, /^miss .*QEMU was killed by SIGKILL/);
});

/** Words that run a command where file systems can be mounted that nobody else sees; undefined where that is not allowed. */
async function ownMounts(): Promise<readonly string[] | undefined> {
	const words = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount'];
	const works = await run('unshare', [...words, 'true']).then(
		() => true,
		() => false,
	);
	return works ? ['unshare', ...words, 'sh', '-c'] : undefined;
}

/** Runs `fencepost` as a shell's "$@", with a small file system at `place` that nobody else sees. */
async function onSmallDisk(
	t: Test,
	place: string,
	size: string,
	script: string,
	args: readonly string[],
	env: Readonly<Record<string, string>> = {},
): Promise<(Shown & { readonly command: Fencepost }) | undefined> {
	const mounts = await ownMounts();
	if (!mounts) {
		t.pass('skipped: nothing can be mounted here');
		return undefined;
	}
	const command = new Fencepost(args, env, [
		...mounts,
		`mount -t tmpfs -o size=${size} none ${place} && { ${script}; }`,
		'sh',
	]);
	return { ...(await command.done), command };
}

t.test('disk full where results go: exit code 3, whole lines, and the run can be finished', async (t) => {
	const folder = t.testdir({ small: {} });
	const small = join(folder, 'small');
	const out = join(small, 'run');
	const [first, second] = [join(folder, 'first'), join(folder, 'second')];
	const args = [...RUN, '--suite', 'name', '--isolate', 'case', '--out', out];
	// Where a console was the first to find no room, its case is a miss. With room again, in the same mount, the run goes on; what it looked like both times is kept elsewhere.
	const goOn = [
		`"$@"; echo "first: $?" >&2; cp -r ${out} ${first}; mount -o remount,size=16m ${small}`,
		`${process.execPath} harness/dist/src/cli/main.js run --resume ${out} --retry-misses; echo "second: $?" >&2; cp -r ${out} ${second}`,
	].join('; ');
	const shown = await onSmallDisk(t, small, '80k', goOn, args);
	if (!shown) return;
	const { stderr, command } = shown;
	t.match(stderr, /no room left to record results in .*small/);
	t.match(stderr, /free some space, then: fencepost run --resume/);
	t.match(stderr, /first: 3\n[\s\S]*second: 0\n/);
	t.same(command.leftovers(), []);
	const judged = (await eventsOf(first)).flatMap((event) => (event.type === 'case' ? [event.result] : []));
	const { results } = await resultsOf(second);
	t.ok(
		judged.length > 0 && judged.length < results.length,
		`${judged.length} cases were judged before the disk was full`,
	);
	t.same(bad(results), [], 'all of them in the end');
	for (const { case: name, subject, verdict } of judged.filter((one) => one.verdict !== 'miss')) {
		t.match(
			results.find((one) => one.case === name && one.subject === subject),
			{ verdict },
			`${name} ${subject}`,
		);
	}
});

t.test('disk full in the cache: guests are booted one by one, and that is said', async (t) => {
	const folder = t.testdir({ small: {} });
	const small = join(folder, 'small');
	// Built where there is room, and where others that build it wait for us.
	const built = await fencepost('kernel', 'build', 'source:6.12', '--arch', 'arm64');
	t.equal(built.status, 0, built.stderr);
	// A cache of its own, with what takes long to make from the real one, and its locks for that.
	const kept = ['apt', 'kernels', 'locks', 'packages', 'probe', 'recipes', 'suites', 'toolchain', 'users'];
	const link = `if [ -e ${defaultCacheRoot()}/$name ]; then ln -s ${defaultCacheRoot()}/$name ${small}/fencepost/; fi`;
	const script = `mkdir ${small}/fencepost; for name in ${kept.join(' ')}; do ${link}; done; "$@"`;
	const out = join(folder, 'run');
	const args = [...RUN, '--suite', 'size', '--subject', 'system', '--out', out];
	const shown = await onSmallDisk(t, small, '6m', script, args, { XDG_CACHE_HOME: small });
	if (!shown) return;
	t.equal(shown.status, 0, shown.stderr);
	t.match(shown.stderr, /guests are booted one by one: no room left for the cache in .*small/);
	t.same(bad((await resultsOf(out)).results), []);
});

t.test('two runs that share one cache make one template, and both are right', async (t) => {
	const directory = t.testdir({
		// No other run has this machine's template.
		'plan.yaml': `kernels: ['source:6.12']\nmachines:\n  - { name: shared, extends: default, memoryMiB: 250 }\n`,
	});
	const start = (name: string) => {
		const args = ['run', '--plan', join(directory, 'plan.yaml'), '--arch', 'arm64', '--suite', 'size'];
		return new Fencepost([...args, '--out', join(directory, name)]);
	};
	const runs = ['a', 'b'].map((name) => ({ name, command: start(name) }));
	const templates: string[] = [];
	for (const { name, command } of runs) {
		const { status, stderr } = await command.done;
		t.equal(status, 0, stderr);
		t.same(bad((await resultsOf(join(directory, name))).results), []);
		t.same(command.leftovers(), []);
		for (const event of await eventsOf(join(directory, name))) {
			if (event.type === 'guest-ready' && event.template) templates.push(event.template);
		}
	}
	t.ok(templates.filter((how) => how === 'made').length <= 1, 'nobody makes what another makes');
	t.equal(templates.length, 2);
});
