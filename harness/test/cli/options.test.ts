// SPDX-License-Identifier: MIT
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { checkOptionsMakeSense } from '../../src/cli/option-sense.js';
import type { RunOptions } from '../../src/cli/run.js';
import { invocation } from '../../src/core/invocation.js';

const main = join(import.meta.dirname, '../../src/cli/main.js');
const program = { file: '/bin/mytest', args: [] };

t.test('options that would be passed over without a word are refused', async (t) => {
	const refused: [RunOptions, RegExp][] = [
		[{ timeout: 5 }, /^--timeout is how long each --program may run, and there is none$/],
		[{ retryMisses: true }, /^--retry-misses counts with --resume only$/],
		[{ deviceModule: '/none.ko' }, /^--device-module \/none\.ko: there is no such file$/],
		[{ deviceModule: t.testdir() }, /: it is not a regular file$/],
	];
	for (const [options, message] of refused)
		await t.rejects(checkOptionsMakeSense(options, { programs: [] }), { blame: 'usage', message, hint: /\w/ });
	const file = join(t.testdirName, 'device.ko');
	await writeFile(file, '');
	await checkOptionsMakeSense({ deviceModule: file, retryMisses: true, resume: '.' }, { programs: [] });
	await checkOptionsMakeSense({ timeout: 5 }, { programs: [program] });
});

t.test(
	'a command that there is not is named, with those that there are; help is of the command asked about',
	async (t) => {
		for (const [words, status, said] of [
			[['help', 'nosuch'], 2, /^fencepost: unknown command "nosuch"\n {2}accepted: run, list, .*doctor\n$/],
			[['kernl', '--help'], 2, /unknown command "kernl"\n {2}did you mean kernel\? accepted: run,/],
			[
				['help', 'kernel', 'lst'],
				2,
				/unknown command "kernel lst"\n {2}did you mean kernel list\? accepted: list, fetch,/,
			],
			[['kernel', 'help', 'nosuch'], 2, /unknown command "kernel nosuch"/],
			[['help', 'kernel', 'list'], 0, /^Usage: fencepost kernel list /],
			[['cache', 'help', 'prune'], 0, /^Usage: fencepost cache prune /],
			[['help', 'help'], 0, /^Usage: fencepost \[options\]/],
		] as const) {
			const { status: ended, stdout, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' });
			t.equal(ended, status, words.join(' '));
			t.match(status === 0 ? stdout : stderr, said, words.join(' '));
			t.equal(status === 0 ? stderr : stdout, '', words.join(' '));
		}
	},
);

t.test('a pipe that nobody writes to is said to be one, can be left, and is read when it is written to', async (t) => {
	const pipe = join(t.testdir(), 'pipe');
	execFileSync('mkfifo', [pipe]);
	const start = (...words: string[]) => {
		const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
		const said = { stdout: '', stderr: '' };
		child.stdout.on('data', (bytes: Buffer) => {
			said.stdout += bytes.toString();
		});
		const told = new Promise<void>((resolve) => {
			child.stderr.on('data', (bytes: Buffer) => {
				said.stderr += bytes.toString();
				resolve();
			});
		});
		const ended = new Promise<unknown>((resolve) => child.once('close', (status, signal) => resolve(signal ?? status)));
		return { child, said, told, ended };
	};
	const plan = start('run', '--plan', pipe, '--dry-run');
	await plan.told;
	t.equal(
		plan.said.stderr,
		`fencepost: --plan: ${pipe} is a pipe: waiting until everything is written to it, and it is closed\n`,
	);
	plan.child.kill('SIGINT');
	t.equal(await plan.ended, 'SIGINT');

	const log = start('judge', '--ktap', pipe);
	await log.told;
	t.match(log.said.stderr, /^fencepost: --ktap: .* is a pipe/);
	await writeFile(pipe, '1..1\nok 1 a\n');
	t.equal(await log.ended, 0);
	t.match(log.said.stdout, /^pass: 1 case/);
});

t.test('a machine that is larger than the host is a miss at once: nothing is built or booted for it', async (t) => {
	const directory = t.testdir({
		'plan.yaml': `kernels: ["file:/nowhere"]\narches: [arm64]\nmachines: [{ name: vast, memoryMiB: 1048576 }]\nsuites: [name]\n`,
	});
	const out = join(directory, 'run');
	const words = ['run', '--plan', join(directory, 'plan.yaml'), '--out', out];
	const { status, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' });
	t.equal(status, 3, stderr);
	const { results } = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'));
	t.equal(results.length, 1);
	t.match(results[0], { case: 'machine.boot', verdict: 'miss', code: 'HOST_MEMORY' });
	t.match(results[0].reason, /^machine vast has 1048576 MiB of memory, this host \d+ MiB/);
});

t.test('a command that people copy finds the program from where it was printed', async (t) => {
	const [checkout, user] = [join(t.testdir(), 'checkout'), join(t.testdirName, 'app')];
	const elsewhere = '/proc';
	t.same(invocation(elsewhere, checkout), ['node', join(checkout, 'harness/dist/src/cli/main.js')]);
	for (const folder of [checkout, user]) {
		await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
		await writeFile(join(folder, 'node_modules/.bin/fencepost'), '');
	}
	t.same(invocation(join(checkout, 'docs'), checkout), ['npx', 'fencepost']);
	t.same(invocation(elsewhere, checkout), ['npx', '--prefix', checkout, 'fencepost']);
	const installed = join(user, 'node_modules/fencepost');
	t.same(invocation(user, installed), ['npx', 'fencepost']);
	t.same(invocation(elsewhere, installed), ['npx', '--prefix', user, 'fencepost']);
});
