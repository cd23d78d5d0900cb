// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const main = join(import.meta.dirname, '../../src/cli/main.js');

interface Ended {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

function judge(args: readonly string[], stdin = ''): Promise<Ended> {
	return new Promise((resolve) => {
		const child = execFile(process.execPath, [main, 'judge', ...args], (error, stdout, stderr) => {
			resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
		});
		child.stdin?.end(stdin);
	});
}

const KUNIT = [
	'[    0.100000] KTAP version 1',
	'[    0.100000] 1..1',
	'[    0.100000]     # Subtest: s',
	'[    0.100000]     1..2',
	'[    0.100000]     ok 1 a',
	'[    0.200000] ------------[ cut here ]------------',
	'[    0.200000] WARNING: CPU: 0 PID: 12 at lib/x.c:3 evil+0x12/0x20',
	'[    0.200000] ---[ end trace 0000000000000000 ]---',
	'[    0.300000]     ok 2 b',
	'[    0.300000] ok 1 s',
	'',
].join('\n');

t.test('fencepost judge', async (t) => {
	const directory = t.testdir({
		'ok.ktap': 'KTAP version 1\n1..2\nok 1 a\nok 2 b # SKIP no device\n',
		'bad.ktap': 'KTAP version 1\n1..2\nok 1 a\nnot ok 2 b # exit=1\n',
		'cut.ktap': 'KTAP version 1\n1..2\nok 1 a\n',
		empty: '',
		'clean.log': '[    0.000000] Linux version 6.12\n[    1.0] all is well\n',
		'marked.log': [
			'[    1.000000] fencepost: case a subject system',
			'[    1.100000] fencepost: case b subject system',
			'[    1.200000] Kernel panic - not syncing: evil',
			'',
		].join('\n'),
		'kunit.log': KUNIT,
	});
	const at = (file: string) => join(directory, file);
	const rows: readonly [string, readonly string[], number, RegExp, string?][] = [
		[
			'a pass',
			['--ktap', at('ok.ktap')],
			0,
			/^pass: 2 cases, 1 passed; 0 kernel reports\n {2}skip {5}b {2}no device\n$/,
		],
		['a pass and its status', ['--ktap', at('ok.ktap'), '--status', '0'], 0, /^pass/],
		['a status that disagrees', ['--ktap', at('ok.ktap'), '--status', '2'], 1, /^fail[\s\S]*status 2/],
		['a failure', ['--ktap', at('bad.ktap')], 1, /^fail: 2 cases, 1 passed[\s\S]*fail {5}b {2}exit=1/],
		['a stream cut short', ['--ktap', at('cut.ktap')], 3, /^miss[\s\S]*plan 1\.\.2 was not met/],
		['a stream that stops and exits well', ['--ktap', at('cut.ktap'), '--status', '0'], 1, /^fail/],
		['nothing', ['--ktap', at('empty')], 3, /^miss[\s\S]*nothing was printed/],
		['standard input', ['--ktap', '-'], 0, /^pass: 1 case, 1 passed/, '1..1\nok 1 a\n'],
		['a clean console alone', ['--console', at('clean.log')], 3, /^miss[\s\S]*the console shows no report/],
		['a clean console and a pass', ['--ktap', at('ok.ktap'), '--console', at('clean.log')], 0, /^pass/],
		[
			'a console alone',
			['--console', at('marked.log')],
			1,
			/^crash[\s\S]*line 3: panic: Kernel panic - not syncing: evil\n$/,
		],
		[
			'markers',
			['--ktap', at('ok.ktap'), '--console', at('marked.log')],
			1,
			/^crash: 2 cases, 1 passed[\s\S]*crash {4}b/,
		],
		['a kernel log with results, asked for these alone', ['--ktap', at('kunit.log')], 0, /^pass: 2 cases, 2 passed; 0/],
		['the same as its console', ['--ktap', at('kunit.log'), '--console', at('kunit.log')], 1, /crash {4}s > b/],
	];
	for (const [what, args, code, stdout, stdin] of rows) {
		const ended = await judge(args, stdin);
		t.equal(ended.code, code, `${what}: ${ended.stderr}`);
		t.match(ended.stdout, stdout, what);
	}
	const { stdout } = await judge(['--json', '--ktap', at('kunit.log'), '--console', at('kunit.log')]);
	t.strictSame(JSON.parse(stdout), {
		verdict: 'crash',
		cases: [
			{ name: 's > a', verdict: 'pass', reason: '' },
			{ name: 's > b', verdict: 'crash', reason: 'WARNING: CPU: 0 PID: 12 at lib/x.c:3 evil+0x12/0x20' },
		],
		splats: [
			{
				kind: 'warning',
				title: 'WARNING: CPU: 0 PID: 12 at lib/x.c:3 evil+0x12/0x20',
				function: 'evil',
				line: 7,
			},
		],
	});
	for (const [what, args, stderr] of [
		['no log', [], /no log was given[\s\S]*--ktap FILE/],
		['no such file', ['--ktap', at('gone')], /--ktap .*gone: there is no such file/],
		['a directory', ['--console', directory], /--console .*EISDIR/],
		['standard input twice', ['--ktap', '-', '--console', '-'], /cannot both be standard input/],
		['a status that is none', ['--ktap', at('ok.ktap'), '--status', 'x'], /0 to 255/],
		['an option that is none', ['--katp', at('ok.ktap')], /--ktap/],
	] as const) {
		const ended = await judge(args);
		t.equal(ended.code, 2, what);
		t.match(ended.stderr, stderr, what);
	}
	writeFileSync(at('bytes'), Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256)));
	t.equal((await judge(['--ktap', at('bytes'), '--console', at('bytes')])).code, 3, 'bytes of any kind');
});
