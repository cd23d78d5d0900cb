// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const scripts = join(import.meta.dirname, '../../../../scripts');

t.test('a script whose reader is gone ends without a word', async (t) => {
	const page = join(t.testdir({ 'page.md': '| ALLOC-01 | a row | U | ABI |\n' }), 'page.md');
	for (const args of [
		['catalogue.mjs', page],
		['mutants.mjs', '--list'],
		['heap-mutants.mjs', '--list'],
	]) {
		const [script = '', ...rest] = args;
		// tap listens for signals in whatever Node it starts: a script by itself does not.
		const words = ['-u', 'NODE_OPTIONS', process.execPath, join(scripts, script), ...rest];
		const child = spawn('env', words, { stdio: ['ignore', 'pipe', 'pipe'] });
		let said = '';
		child.stderr.on('data', (bytes: Buffer) => {
			said += bytes.toString();
		});
		child.stdout.destroy();
		const status = await new Promise((resolve) => child.once('close', resolve));
		t.equal(said, '', args.join(' '));
		t.equal(status, 141, `${args.join(' ')}: as SIGPIPE would end it`);
	}
});

t.test('every script that prints knows what to do when its reader is gone', async (t) => {
	for (const file of readdirSync(scripts).filter((name) => name.endsWith('.mjs'))) {
		const text = readFileSync(join(scripts, file), 'utf8');
		if (!/process\.std(?:out|err)\.write|console\.(?:log|error)\(/.test(text)) continue;
		t.match(text, /^import '\.\/reader-gone\.mjs';$/m, file);
	}
});
