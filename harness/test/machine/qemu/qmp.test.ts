// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import t from 'tap';
import { Qmp } from '../../../src/machine/qemu/qmp.js';

const ARGS = '-machine none -nodefaults -display none -chardev socket,id=m,fd=3 -mon chardev=m,mode=control'.split(' ');

t.test('a real QEMU answers in order, refuses with its words, and its end is told', async (t) => {
	const child = spawn('qemu-system-x86_64', ARGS, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
	const qmp = new Qmp((child.stdio as unknown as Duplex[])[3] as Duplex);
	const [version, status] = await Promise.all([qmp.execute('query-version'), qmp.execute('query-status')]);
	t.match(version, { qemu: { major: Number } });
	t.match(status, { running: true });
	await t.rejects(qmp.execute('no-such-command'), { code: 'QMP_REFUSED', message: /no-such-command/ });
	await qmp.execute('stop');
	await qmp.event('STOP');
	const never = qmp.event('NO_SUCH_EVENT');
	await qmp.execute('quit');
	await t.rejects(never, { code: 'QMP_GONE' });
	await t.rejects(qmp.execute('query-status'), { code: 'QMP_GONE' });
});

t.test('a monitor that speaks something else is one that is gone', async (t) => {
	for (const said of ['not JSON\n', '17\n', 'x'.repeat(1024 * 1024 + 1)]) {
		const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
		const qmp = new Qmp(stream);
		const asked = qmp.execute('query-status');
		stream.push(said);
		await t.rejects(asked, { code: 'QMP_GONE' }, said.slice(0, 10));
	}
});
