// SPDX-License-Identifier: MIT
// A hundred megabytes of everything, at the host's speed: no guest, and no serial line to slow it down.
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { ConsoleLog } from '../../src/machine/qemu/console.js';
import { ConsoleWatch } from '../../src/run/console-watch.js';
import { KtapParser } from '../../src/verdict/ktap.js';

const CHUNK_BYTES = 64 * 1024;
const CHUNKS = 1600;
/** Of what takes long to read, a part is enough to see whether memory grows with it. */
const SOME_CHUNKS = 100;
/** What reading 100 MB may leave on the heap and beside it, garbage included that nobody has collected yet. */
const MEMORY_LIMIT = 256 * 1024 * 1024;

const WARNING =
	'[    1.0] WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-buf.c:188 dma_buf_release+0x1c/0x40\n' +
	'[    1.0] ---[ end trace 0000000000000000 ]---\n';

/** A chunk made of copies of a text. */
function filled(text: string): Buffer {
	return Buffer.alloc(CHUNK_BYTES, text);
}

const FLOODS: readonly (readonly [what: string, chunk: Buffer, chunks?: number])[] = [
	['lines', filled(`${'x'.repeat(1023)}\n`), CHUNKS],
	['one line', filled('y'), CHUNKS],
	['empty lines', filled('\n')],
	['zeroes', Buffer.alloc(CHUNK_BYTES)],
	['carriage returns', filled('\r')],
	['escapes', filled('\x1b[31m\x1b]0;')],
	['kernel reports', filled(WARNING)],
	['oopses', filled('[    1.0] Internal error: Oops: 0000000096000005 [#1] PREEMPT SMP\n[    1.0] pc : x+0x1/0x2\n')],
	['headings', filled('------------[ cut here ]------------\n')],
	['markers', filled('fencepost: case one subject x\n')],
	['plans', filled('1..1000000\n')],
	['results', filled('ok 1 one\n# why: because\n')],
	['nested groups', filled('                                # Subtest: x\n')],
	['yaml', filled('  ---\n  a: b\n')],
];

/** Runs the work, and returns how long it took and how much more memory is in use. */
function measured(work: () => void): { readonly tookMs: number; readonly grewBytes: number } {
	const before = process.memoryUsage().rss;
	const startedMs = performance.now();
	work();
	return { tookMs: performance.now() - startedMs, grewBytes: process.memoryUsage().rss - before };
}

for (const [what, chunk, chunks = SOME_CHUNKS] of FLOODS) {
	t.test(`${(chunks * CHUNK_BYTES) / 1024 ** 2} MiB of ${what}`, async (t) => {
		const read = measured(() => {
			const parser = new KtapParser();
			for (let i = 0; i < chunks; i++) parser.push(chunk);
			t.ok(parser.end().lines > 0);
		});
		t.ok(
			read.grewBytes < MEMORY_LIMIT,
			`as results: ${Math.round(read.grewBytes / 1024)} KiB, ${Math.round(read.tookMs)} ms`,
		);
		const heard = measured(() => {
			const watch = new ConsoleWatch();
			for (let i = 0; i < chunks; i++) watch.push(chunk);
			watch.end();
			t.ok(watch.take().length <= 10, 'reports that are alike are kept up to a bound');
		});
		t.ok(
			heard.grewBytes < MEMORY_LIMIT,
			`as a console: ${Math.round(heard.grewBytes / 1024)} KiB, ${Math.round(heard.tookMs)} ms`,
		);
	});
}

t.test('a console that goes on for 100 MB is heard to its end, and kept up to a bound', async (t) => {
	const folder = t.testdir();
	mkdirSync(join(folder, 'consoles'));
	const path = join(folder, 'consoles', '1.log');
	const source = new PassThrough();
	let heard = 0;
	const log = new ConsoleLog(path, source, (bytes) => {
		heard += bytes.length;
	});
	const chunk = filled('z'.repeat(79).concat('\n'));
	for (let i = 0; i < CHUNKS; i++) {
		if (!source.write(chunk)) await new Promise((resolve) => source.once('drain', resolve));
	}
	source.end('the end\n');
	source.once('end', () => source.destroy());
	await log.closed;
	t.equal(heard, CHUNKS * CHUNK_BYTES + 8);
	t.match(log.tail(1), /the end/);
	t.ok(statSync(path).size < 17 * 1024 * 1024);
});

t.test('reports that are not kept count all the same', async (t) => {
	const watch = new ConsoleWatch();
	const say = (text: string) => watch.push(Buffer.from(text));
	say('fencepost: case one subject x\n');
	for (let i = 0; i < 20; i++) say(WARNING);
	say('fencepost: case two subject x\n');
	say(WARNING);
	const first = watch.take();
	t.equal(first.filter((splat) => splat.case === 'two').length, 1, 'another case is not crowded out');
	t.match(first.at(-1), { case: 'one', title: /^12 more kernel reports, the last of them: WARNING/ });
	for (let i = 0; i < 20; i++) say(`fencepost: case c${i % 2} subject x\n${WARNING}`);
	const second = watch.take();
	t.equal(second.length, 17);
	t.match(second.at(-1), { case: undefined, title: /^4 more/ }, 'of no case, where they were of several');
	t.same(watch.take(), []);
});
