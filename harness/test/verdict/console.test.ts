// SPDX-License-Identifier: MIT
import { deepStrictEqual, ok } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { CaseAttribution } from '../../src/verdict/splat/attribution.js';
import { ConsoleClassifier } from '../../src/verdict/splat/console.js';
import { parseMark } from '../../src/verdict/splat/marks.js';
import { newTaints, unexplainedTaints } from '../../src/verdict/splat/taint.js';
import type { Splat, SplatKind } from '../../src/verdict/verdict.js';
import { RECORDED } from './recorded.js';
import { WRITTEN } from './written.js';

/** Consoles recorded from guests: kernels 6.12 and 7.3 of both architectures and a module that breaks things on purpose. */
const fixtures = join(import.meta.dirname, '../../../test/fixtures/verdict/console');

function classify(bytes: string | Uint8Array): readonly Splat[] {
	const classifier = new ConsoleClassifier();
	classifier.push(Buffer.from(bytes));
	return classifier.end();
}

function shown({ kind, function: guilty, title }: Splat): string {
	return `${kind} | ${guilty ?? '-'} | ${title}`;
}

t.test('recorded consoles', async (t) => {
	t.strictSame(readdirSync(fixtures).sort(), Object.keys(RECORDED).sort(), 'each has its expectation');
	for (const [file, expected] of Object.entries(RECORDED)) {
		const bytes = readFileSync(join(fixtures, file));
		const splats = classify(bytes);
		const titles = splats.map(shown);
		t.equal(titles.length, expected.length, `${file}: ${titles.join('\n')}`);
		for (const [i, start] of expected.entries())
			t.ok(titles[i]?.startsWith(start), `${file}: ${titles[i]} is ${start}`);
		const lines = bytes.toString().split('\n');
		for (const { line, title, report } of splats) {
			t.ok(lines[line - 1]?.includes(title), `${file}: the title stands in its line`);
			for (const kept of report.split('\n')) t.notMatch(kept, /fencepost: /, `${file}: no marker in a report`);
		}
	}
});

t.test('consoles written from the kernel’s formats', async (t) => {
	for (const { what, lines, splats } of WRITTEN) t.strictSame(classify(lines.join('\n')).map(shown), splats, what);
});

t.test('a report is the same with any prefix', async (t) => {
	const bare = [
		'BUG: KASAN: slab-use-after-free in evil+0x1c/0x40',
		'Write of size 8 at addr ffff0000',
		'='.repeat(66),
	];
	for (const prefix of [
		'',
		'[    1.234567] ',
		'[12345.678901][   T12] ',
		'[    1.234567] [    C1] ',
		'<3>[    1.234567] ',
		'<3>',
		'[Mon Nov 21 09:14:01 2025] ',
		'kern  :err   : [    1.234567] ',
		'Nov 21 09:14:01 host kernel: [    1.234567] ',
		'2025-11-21T09:14:01,123456+01:00 host kernel: ',
		'2025-11-21T09:14:01.123Z [    1.234567] ',
		'3,1234,5678901,-;',
		'3,1234,5678901,-,caller=T12;',
		'\x1b[0;31m[    1.234567] ',
		'/ # [    1.234567] ',
		'[Nov22 04:50] ',
		'kern  :err   : [  +0.000012] ',
		'[Sun Nov 22 04:50:01 2026 <    0.000012>] ',
		'[    1.234567] host kernel: ',
		'1763787001.123456 host kernel: ',
		'Sun 2026-11-22 04:50:01 UTC host kernel: ',
		'Nov 22 04:50:01 host kern.warn kernel: ',
		'Nov 22 04:50:01 ',
		'<3>1 2026-11-22T04:50:01.123Z host kernel - - - ',
		'2026-11-22T04:50:01.123456Z 01O ',
		'[2026-11-22T04:50:01.123Z] ',
		'[2026-11-22 04:50:01] ',
		'[04:50:01.123] ',
		'04:50:01.123 ',
		' ',
	]) {
		const [splat, ...more] = classify(bare.map((line) => `${prefix}${line}\r\n`).join(''));
		t.equal(more.length, 0, prefix);
		t.match(splat, { kind: 'kasan', title: bare[0], function: 'evil', line: 1 }, JSON.stringify(prefix));
		t.equal(splat?.report.split('\n').length, 3, prefix);
	}
});

t.test('a line torn by other messages', async (t) => {
	const log = [
		'<6>[    1.000000] usb 1-1: new high-speed<1>[    1.000001] BUG: kernel NULL pointer dereference, address: 0',
		'[    1.000002] Oops: Oops: 0002 [#1] SMP[    1.000003] RIP: 0010:evil+0x1/0x2',
		'[    1.000004] ---[ end trace 0 ]---[    1.000005] x[    1.000006] Kernel panic - not syncing: Fatal exception',
	];
	t.strictSame(classify(log.join('\n')).map(shown), [
		'oops | evil | BUG: kernel NULL pointer dereference, address: 0',
		'panic | - | Kernel panic - not syncing: Fatal exception',
	]);
});

t.test('two contexts at once, told apart by their callers', async (t) => {
	const one = [
		'------------[ cut here ]------------',
		'WARNING: CPU: 0 PID: 10 at a.c:1 first+0x1/0x2',
		'Call trace:',
		' first+0x1/0x2',
		'---[ end trace 0000000000000000 ]---',
	];
	const other = [
		'Unable to handle kernel paging request at virtual address dead',
		'pc : second+0x1/0x2',
		'---[ end trace 0 ]---',
	];
	const both: string[] = [];
	for (let i = 0; i < one.length; i++) {
		both.push(`[    1.000000][   T10] ${one[i]}`);
		if (other[i] !== undefined) both.push(`[    1.000000][    C1] ${other[i]}`);
		both.push('a program writes, too');
	}
	const splats = classify(both.join('\n'));
	t.strictSame(splats.map((splat) => [splat.function, splat.report.split('\n').length]).sort(), [
		['first', 5],
		['second', 3],
	]);
});

t.test('markers: told, never splats, and they close what is over', async (t) => {
	const marks: string[] = [];
	const whole: string[] = [];
	const begun: string[] = [];
	const attribution = new CaseAttribution();
	const classifier = new ConsoleClassifier({
		onMark: (text, line) => {
			marks.push(`${line} ${text}`);
			attribution.mark(text, line);
		},
		onBegin: ({ kind }) => begun.push(kind),
		onSplat: (splat) => whole.push(`${splat.kind} ${attribution.attribute(splat).case}`),
	});
	const say = (line: string) => classifier.push(Buffer.from(`[    1.000000] ${line}\n`));
	say('WARNING: CPU: 0 PID: 1 at a.c:1 early+0x1/0x2');
	say('---[ end trace 0000000000000000 ]---');
	say('fencepost: job 1 begin alloc');
	t.strictSame(whole, ['warning undefined']);
	say('fencepost: case heap.alloc.a subject BUG: KASAN: not a splat');
	say('fencepost: Kernel panic - not syncing: not one either');
	say('WARNING: CPU: 0 PID: 1 at a.c:1 evil+0x1/0x2');
	t.strictSame(begun, ['warning', 'warning']);
	say('fencepost: case heap.alloc.b subject system');
	t.equal(whole.length, 1, 'a report that lacks its end stays open while another case begins');
	say('---[ end trace 0000000000000000 ]---');
	say('BUG: Bad rss-counter state mm:x type:MM_ANONPAGES val:1');
	say('fencepost: job 1 end');
	say('INFO: task late:1 blocked for more than 120 seconds.');
	say('fencepost: mark settled');
	t.strictSame(whole, ['warning undefined', 'warning heap.alloc.a', 'bad-page heap.alloc.b', 'hung-task heap.alloc.b']);
	t.equal(attribution.running, 'heap.alloc.b');
	t.equal(marks.length, 6);
	t.strictSame(parseMark('job 12 begin alloc system'), { kind: 'job-begin', job: 12, text: 'alloc system' });
	t.strictSame(parseMark('job 12 end'), { kind: 'job-end', job: 12, text: '' });
	t.strictSame(parseMark('case a.b subject acme,frames'), { kind: 'case', case: 'a.b', subject: 'acme,frames' });
	t.strictSame(parseMark('mark x 7'), { kind: 'mark', text: 'x 7' });
	t.strictSame(parseMark('anything else'), { kind: 'note', text: 'anything else' });
});

t.test('messages that the console lost are counted', async (t) => {
	const classifier = new ConsoleClassifier();
	classifier.push(
		Buffer.from('[    1.000000] a\n** 12 printk messages dropped **\n[    1.1] ** 3 printk messages dropped **\n'),
	);
	t.strictSame(classifier.end(), []);
	t.equal(classifier.droppedMessages, 15);
});

t.test('floods and endless reports stay bounded', async (t) => {
	const before = process.memoryUsage().heapUsed;
	let heard = 0;
	const classifier = new ConsoleClassifier({ onSplat: () => heard++ });
	const warning =
		'------------[ cut here ]------------\nWARNING: CPU: 0 PID: 1 at a.c:1 evil+0x1/0x2\n---[ end trace 0 ]---\n';
	for (let i = 0; i < 50; i++) classifier.push(Buffer.from(warning.repeat(400)));
	classifier.push(Buffer.from(`Kernel panic - not syncing: evil\n${'and more of it\n'.repeat(50_000)}`));
	const kept = classifier.end();
	t.equal(heard, 20_001);
	t.equal(kept.length, 1000);
	t.equal(classifier.counts.get('warning'), 20_000);
	t.ok(process.memoryUsage().heapUsed - before < 100 * 1024 * 1024, 'memory is bounded');
	const [panic] = classify(`Kernel panic - not syncing: evil\n${'and more of it\n'.repeat(5000)}`);
	t.ok((panic?.report.split('\n').length ?? 0) <= 401);
	t.match(panic?.report, /more lines left out\)$/);
});

const line = fc.constantFrom(
	'------------[ cut here ]------------',
	'='.repeat(40),
	'WARNING: CPU: 0 PID: 1 at a.c:1 evil+0x1/0x2',
	'kernel BUG at a.c:2!',
	'BUG: KASAN: x in evil+0x1/0x2',
	'Oops: Oops: 0002 [#1] SMP',
	'BUG: unable to handle page fault for address: 0',
	'list_del corruption. x',
	'Kernel panic - not syncing: x',
	'rcu: INFO: rcu_preempt self-detected stall on CPU',
	'x invoked oom-killer: gfp_mask=0',
	'Call Trace:',
	' <TASK>',
	' ? evil+0x1/0x2',
	'RIP: 0010:evil+0x1/0x2',
	'---[ end trace 0 ]---',
	'fencepost: mark x',
	'words',
	'',
);
const prefix = fc.constantFrom(
	'',
	'[    1.000000] ',
	'[    1.000000][    T1] ',
	'[   90.000000][    C1] ',
	'\x1b[1m',
	'\r',
);
const log = fc.oneof(
	fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
	fc
		.array(fc.tuple(prefix, line), { maxLength: 60 })
		.map((lines) => Buffer.from(lines.map(([before, text]) => `${before}${text}\n`).join(''))),
);

t.test('any bytes, in any chunks: no throw, the same splats', async () => {
	fc.assert(
		fc.property(log, fc.array(fc.nat(600), { maxLength: 6 }), (bytes, cuts) => {
			const whole = classify(bytes);
			const heard: Splat[] = [];
			const begun: Splat[] = [];
			const classifier = new ConsoleClassifier({
				onSplat: (splat) => heard.push(splat),
				onBegin: (splat) => begun.push(splat),
			});
			let start = 0;
			for (const cut of [...cuts].sort((a, b) => a - b)) {
				classifier.push(bytes.subarray(start, cut));
				start = Math.max(start, Math.min(cut, bytes.length));
			}
			classifier.push(bytes.subarray(start));
			deepStrictEqual(classifier.end(), whole);
			deepStrictEqual(
				heard.sort((a, b) => a.line - b.line),
				whole,
			);
			ok(begun.length === whole.length);
		}),
		{ numRuns: 2000 },
	);
});

t.test('taints that are new', async (t) => {
	t.strictSame(newTaints(0, 0), []);
	t.strictSame(
		newTaints(1 << 12, (1 << 12) | (1 << 9) | (1 << 14) | (1 << 7), [14]).map(({ letter }) => letter),
		['D', 'W'],
	);
	t.ok(newTaints(0, 1 << 7)[0]?.fault);
	t.strictSame(newTaints(0, 2 ** 31), [{ bit: 31, letter: '?', words: 'unknown bit 31', fault: false }]);
	const unexplained = (after: number, kinds: readonly SplatKind[], release = '6.12.117') =>
		unexplainedTaints(
			{ before: 0, after, release },
			kinds.map((kind) => ({ kind })),
		).map(({ letter }) => letter);
	t.strictSame(unexplained((1 << 7) | (1 << 9), ['oops']), ['W'], 'an oops tells of D, not of W');
	t.strictSame(unexplained((1 << 5) | (1 << 9), ['kasan', 'atomic-sleep']), []);
	t.strictSame(unexplained(1 << 9, ['oom', 'hung-task']), ['W'], 'neither kills nor stalls taint');
	t.strictSame(unexplained((1 << 0) | (1 << 12) | (1 << 18) | (1 << 30), []), [], 'modules and tests are no faults');
	t.strictSame(unexplained(1 << 14, [], '7.2.12'), []);
	t.strictSame(unexplained(1 << 14, [], '7.1'), ['L']);
	t.strictSame(unexplained(1 << 14, [], 'not a release'), ['L']);
});

t.test('a machine that goes down says so', async (t) => {
	const said: string[] = [];
	const classifier = new ConsoleClassifier({ onShutdown: (text) => said.push(text) });
	const lines = [
		'[    1.0] reboot: Power down',
		'[    2.0][   T31] reboot: System halted',
		'[    3.0] reboot: Restarting system with command "x"',
		'[    4.0] reboot: machine restart',
		'[    5.0] sysrq: Resetting',
		'[    6.0] reboot: something else',
		'the words reboot: Power down in somebody’s line',
	];
	classifier.push(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
	t.same(classifier.end(), [], 'that is no report');
	t.same(said, [
		'reboot: Power down',
		'reboot: System halted',
		'reboot: Restarting system with command "x"',
		'reboot: machine restart',
		'sysrq: Resetting',
	]);
});
