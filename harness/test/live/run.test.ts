// SPDX-License-Identifier: MIT
// Real kernels, real guests, the command as a user types it. Kernels are built here when the cache has none.
import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Parser } from 'tap-parser';
import { ARCHES, toolPrefix } from '../../src/core/architectures.js';
import { sleep } from '../../src/core/clock.js';
import { bad, eventsOf, Fencepost, fencepost, resultsOf } from './host.js';

const KERNEL = 'source:6.12';
/** A build of two kernels from nothing may come first. */
t.setTimeout(45 * 60_000);

function compileProgram(arch: (typeof ARCHES)[number], directory: string, ...flags: string[]): string {
	const out = join(directory, `forge-${arch}${flags.length === 0 ? '' : '-dynamic'}`);
	const link = flags.length === 0 ? ['-static'] : flags;
	execFileSync(`${toolPrefix(arch)}gcc`, [...link, '-O1', '-o', out, 'harness/test/live/programs/forge.c']);
	return out;
}

t.test('every suite, every heap, both architectures: what a bare `fencepost run` does', async (t) => {
	const directory = join(t.testdir(), 'run');
	const { status, stdout, stderr } = await fencepost('run', '--kernel', KERNEL, '--out', directory);
	t.equal(status, 0, stderr);
	const { results, totals, exit } = await resultsOf(directory);
	t.equal(exit, 0);
	t.same(bad(results), []);
	for (const arch of ARCHES) {
		const own = results.filter((one) => one.arch === arch);
		t.ok(own.filter(({ verdict }) => verdict === 'pass').length > 200, `${arch}: more than 200 pass`);
		for (const subject of ['system', 'reserved', 'sw_sync']) {
			t.ok(
				own.some((one) => one.subject === subject && one.verdict === 'pass'),
				`${arch}: ${subject}`,
			);
		}
		t.match(own[0]?.release, /^6\.12\.\d+/);
	}
	const parser = new Parser();
	parser.end(stdout);
	t.ok(parser.results?.ok, 'TAP 14 on standard output, and it is ok');
	t.ok(stdout.startsWith('TAP version 14\n'));
	t.equal((stdout.match(/^ {4}(not )?ok /gm) ?? []).length, results.length, 'a test point a case');
	const events = await eventsOf(directory);
	t.equal(events.filter(({ type }) => type === 'case').length, results.length, 'every case is in the event log');
	const started = events.filter((event) => event.type === 'guest-start');
	const saved = events.filter((event) => event.type === 'guest-ready' && event.template !== undefined);
	t.equal(saved.length, 2, 'an architecture is booted once at most; the rest are clones');
	for (const guest of started) {
		t.ok((await stat(join(directory, guest.console))).size > 0, 'its console is kept');
		t.match(guest.command[0], /^qemu-system-\S+ .*-sandbox on/);
	}
	t.equal(totals.pass + totals.skip + totals.xfail, results.length);
});

t.test('programs of the user’s own are judged by every witness', async (t) => {
	const directory = t.testdir();
	const program = compileProgram('x86_64', directory);
	const table: [string, number, Record<string, string>, RegExp?][] = [
		['pass', 0, { one: 'pass', two: 'skip' }],
		['fail', 1, { one: 'pass', two: 'fail' }],
		['lie', 1, { one: 'pass', two: 'pass', 'forge-x86_64': 'fail' }, /status 3/],
		['short', 1, { one: 'pass', 'forge-x86_64': 'fail' }],
		['silent', 3, { 'forge-x86_64': 'miss' }, /nothing was printed/],
		['signal', 1, { one: 'pass', 'forge-x86_64': 'fail' }, /signal 11/],
		['panic', 1, { one: 'pass', 'forge-x86_64': 'crash' }, /Kernel panic|sysrq/i],
	];
	for (const [what, exit, verdicts, reason] of table) {
		const out = join(directory, what);
		const startedMs = performance.now();
		const shown = await fencepost(
			'run',
			'--kernel',
			KERNEL,
			'--arch',
			'x86_64',
			'--program',
			`${program},${what}`,
			'--out',
			out,
		);
		const { results } = await resultsOf(out);
		t.equal(shown.status, exit, `${what}: ${shown.stderr}`);
		t.same(Object.fromEntries(results.map((one) => [one.case, one.verdict])), verdicts, what);
		if (reason) t.match(results.find(({ verdict }) => verdict !== 'pass')?.reason, reason);
		t.ok(performance.now() - startedMs < 60_000, `${what}: judged without waiting out a deadline`);
	}
});

t.test('programs that cannot run are refused before anything boots', async (t) => {
	const directory = t.testdir();
	const arm = compileProgram('arm64', directory);
	const dynamic = compileProgram('x86_64', directory, '-no-pie');
	const table: [string, RegExp][] = [
		[arm, /is a program for arm64.*not for x86_64/s],
		[dynamic, /linked dynamically[\s\S]*-static/],
		[join(directory, 'nothing'), /no such file/],
	];
	for (const [program, message] of table) {
		const shown = await fencepost(
			'run',
			'--kernel',
			KERNEL,
			'--arch',
			'x86_64',
			'--program',
			program,
			'--out',
			join(directory, 'no'),
		);
		t.equal(shown.status, 2);
		t.match(shown.stderr, message);
	}
	await t.rejects(stat(join(directory, 'no')), 'no run directory was made');
});

t.test('kernels that do not come up are judged in seconds, with what the console shows', async (t) => {
	const directory = t.testdir({
		'plan.yaml': `kernels: [${KERNEL}]\nmachines:\n  - { name: broken, extends: default, cmdline: [rdinit=/nothing, init=/nothing] }\n`,
	});
	for (const arch of ARCHES) {
		const out = join(directory, arch);
		const startedMs = performance.now();
		const { status } = await fencepost(
			'run',
			'--plan',
			join(directory, 'plan.yaml'),
			'--arch',
			arch,
			'--suite',
			'name',
			'--out',
			out,
		);
		const { results } = await resultsOf(out);
		t.equal(status, 1);
		t.match(results, [{ case: 'machine.boot', verdict: 'crash', reason: /Kernel panic - not syncing/ }]);
		t.ok(performance.now() - startedMs < 30_000);
	}
	// An arm64 Image (Documentation/arch/arm64/booting.rst) whose first instruction branches to itself.
	const image = Buffer.alloc(1024 * 1024);
	image.writeUInt32LE(0x14000000, 0);
	image.writeBigUInt64LE(1024n * 1024n, 16);
	image.write('ARMd', 56, 'latin1');
	await writeFile(join(directory, 'Silent'), image);
	const out = join(directory, 'silent');
	const { status, stderr } = await fencepost(
		'run',
		'--kernel',
		`file:${join(directory, 'Silent')}`,
		'--arch',
		'arm64',
		'--suite',
		'name',
		'--out',
		out,
	);
	t.equal(status, 3, stderr);
	t.match((await resultsOf(out)).results, [
		{ case: 'machine.boot', verdict: 'miss', reason: /printed nothing.*console is empty/s },
	]);
});

t.test('a guest that is not what was declared gives a miss', async (t) => {
	const directory = t.testdir({
		'plan.yaml': `kernels: [${KERNEL}]\nmachines:\n  - { name: more, extends: default, heaps: [system, "acme,frames"] }\n`,
	});
	const out = join(directory, 'run');
	const { status } = await fencepost(
		'run',
		'--plan',
		join(directory, 'plan.yaml'),
		'--arch',
		'arm64',
		'--suite',
		'name',
		'--out',
		out,
	);
	t.equal(status, 3);
	t.match((await resultsOf(out)).results, [
		{
			case: 'machine.declaration',
			verdict: 'miss',
			reason: /heap: asked for acme,frames, the guest has reserved, system/,
		},
	]);
});

t.test('Ctrl-C ends a run in order; SIGKILL leaves no guest', async (t) => {
	for (const [signal, status] of [
		['SIGINT', 130],
		['SIGKILL', null],
	] as const) {
		const out = join(t.testdir(), signal);
		const run = new Fencepost(['run', '--kernel', KERNEL, '--arch', 'arm64', '--out', out]);
		// QEMU also runs for a moment to be asked what it can, and a template of the cache is ready before any
		// guest runs: only a recorded case says that guests are at work.
		const casesOf = async () => (await eventsOf(out)).filter(({ type }) => type === 'case');
		const atWork = () =>
			casesOf().then(
				(cases) => cases.length > 0,
				() => false,
			);
		let reached = false;
		for (let i = 0; i < 600 && !reached; i++) {
			await sleep(100);
			reached = await atWork();
		}
		t.ok(reached, 'guests are at work');
		run.kill(signal);
		t.equal((await run.done).status, status, signal);
		for (let waits = 0; run.leftovers().length > 0 && waits < 30; waits++) await sleep(100);
		t.same(run.leftovers(), [], `${signal}: nothing is left running`);
		if (signal === 'SIGINT')
			t.equal((await resultsOf(out)).results.length, (await casesOf()).length, 'results so far are readable');
		t.match(await readFile(join(out, 'events.jsonl'), 'utf8'), /"type":"guest-ready"/);
	}
});

t.test('a reader that has seen enough ends a run in order, and any other command', async (t) => {
	const out = join(t.testdir(), 'run');
	const headed = ['bash', '-c', 'set -o pipefail; "$@" | head -n 3', 'fencepost'];
	const run = new Fencepost(['run', '--kernel', KERNEL, '--arch', 'arm64', '--out', out], {}, headed);
	const shown = await run.done;
	t.equal(shown.status, 130, shown.stderr);
	t.match(shown.stdout, /^TAP version 14\n.*\n.*\n$/);
	for (let waits = 0; run.leftovers().length > 0 && waits < 30; waits++) await sleep(100);
	t.same(run.leftovers(), [], 'nothing is left running');
	t.ok((await resultsOf(out)).results.length > 0, 'results so far are readable');
	const { stdout, stderr } = await new Fencepost(['list', '--json'], {}, headed).done;
	t.match(stdout, /^\[/);
	t.notMatch(stderr, /EPIPE|at /, 'without a word of Node’s');
});
