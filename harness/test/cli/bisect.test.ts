// SPDX-License-Identifier: MIT
// Whatever goes wrong before anything is judged, git must never read it as "bad" (1 to 127 without 125).
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const MAIN = 'harness/dist/src/cli/main.js';

interface Ended {
	readonly status: number | null;
	readonly stderr: string;
}

function run(args: readonly string[], env: Record<string, string> = {}, main = MAIN): Promise<Ended> {
	const child = spawn(process.execPath, [main, ...args], {
		env: { ...process.env, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let stderr = '';
	child.stdout.resume();
	child.stderr.on('data', (chunk) => {
		stderr += chunk;
	});
	return new Promise((resolve) => child.once('close', (status) => resolve({ status, stderr })));
}

/** Has node run some code before the program. */
const before = (code: string) => ({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` });

t.test('wrong usage aborts a bisect, and is an ordinary 2 elsewhere', async (t) => {
	const directory = t.testdir({ 'plan.yaml': 'kernels: [nonsense]\n' });
	const table: readonly (readonly [args: string[], said: RegExp])[] = [
		[['--nonsense'], /unknown option/],
		[['--jobs', '0'], /whole number/],
		[['--arch', 'sparc'], /unknown architecture/],
		[['--case', 'nix.*'], /matches nothing/],
		[
			[
				'--kernel',
				`tree:${join(directory, 'none')}`,
				'--arch',
				'arm64',
				'--suite',
				'name',
				'--out',
				join(directory, 'run'),
			],
			/no folder/,
		],
		[['--plan', join(directory, 'plan.yaml')], /plan\.yaml:1:/],
		[['--plan', join(directory, 'none.yaml')], /none\.yaml/],
		[['--signature', '(', '--for-bisect'], /Invalid regular expression/],
		[['--signature', 'x*', '--for-bisect'], /empty line/],
		[['--dry-run', '--for-bisect'], /dry run/],
		[['--case'], /argument missing/],
	];
	for (const [args, said] of table) {
		const bisecting = await run(['run', '--for-bisect', ...args.filter((word) => word !== '--for-bisect')]);
		t.equal(bisecting.status, 128, args.join(' '));
		t.match(bisecting.stderr, said);
		t.match(bisecting.stderr, /\nbisect: abort \(exit 128\): [^\n]+\n$/, 'the last line says it in words');
	}
	for (const args of [
		['rnu', '--for-bisect'],
		['run', '--for-bisec'],
		['run', '--case', '--for-bisect'],
	]) {
		t.equal((await run(args)).status, 128, args.join(' '));
	}
	for (const args of [['--signature', 'KASAN'], ['--nonsense'], ['--case', 'nix.*']]) {
		t.equal((await run(['run', ...args])).status, 2, args.join(' '));
	}
	t.equal((await run(['run', '--for-bisect', '--help'])).status, 0);
});

t.test('a host without QEMU aborts', async (t) => {
	const { status, stderr } = await run(['run', '--for-bisect', '--kernel', 'tree:.', '--arch', 'arm64'], {
		PATH: t.testdir(),
	});
	t.equal(status, 128);
	t.match(stderr, /qemu-system-aarch64 is not installed[\s\S]*\nbisect: abort/);
});

t.test('defects of our own abort', async (t) => {
	const args = ['run', '--for-bisect', '--kernel', 'tree:/nowhere', '--dry-run'];
	for (const fault of ['throw new Error("defect")', 'Promise.reject(new Error("defect"))']) {
		// As soon as the program has begun.
		const begun = 'process.listenerCount("uncaughtException") > 0';
		const code = `const timer = setInterval(() => { if (${begun}) { clearInterval(timer); ${fault}; } }, 1);`;
		const { status, stderr } = await run(args, before(code));
		t.equal(status, 128, fault);
		t.match(stderr, /a bug in Fencepost[\s\S]*\nbisect: abort \(exit 128\): defect/);
	}
	for (const code of [2, 3, 13, 127]) {
		const late = await run(['run', '--for-bisect', '--help'], before(`process.exitCode = ${code}`));
		t.equal(late.status, 128, `an exit code of ${code}, as a report that cannot be written leaves behind`);
	}
	const copy = mkdtempSync(join(tmpdir(), 'fencepost-'));
	t.teardown(() => rmSync(copy, { recursive: true }));
	mkdirSync(join(copy, 'harness', 'dist'), { recursive: true });
	cpSync('harness/dist/src', join(copy, 'harness', 'dist', 'src'), { recursive: true });
	writeFileSync(join(copy, 'package.json'), '{ "type": "module", "version": "0.0.0" }');
	const bare = await run(['run', '--for-bisect'], {}, join(copy, MAIN));
	t.equal(bare.status, 128, 'packages that are not installed');
	t.match(bare.stderr, /Cannot find package/);
});
