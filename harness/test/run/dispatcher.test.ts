// SPDX-License-Identifier: MIT
import t from 'tap';
import { Dispatcher, type Task } from '../../src/run/dispatcher.js';
import { beyondHost, hostCapacity, hostMemoryMiB } from '../../src/run/host-capacity.js';
import { machine } from './scripted.js';

interface Started {
	readonly name: string;
	end(error?: Error): Promise<void>;
	freeSlot(): void;
}

/** Tasks that run until they are told to end. */
class Tasks {
	readonly started: Started[] = [];

	constructor(readonly dispatcher: Dispatcher) {}

	add(name: string, task: Partial<Omit<Task, 'run'>> = {}): void {
		this.dispatcher.add({
			...{ kind: 'unit', memoryMiB: 1, estimateMs: 1 },
			...task,
			run: (freeSlot) =>
				new Promise<void>((resolve, reject) => {
					const end = async (error?: Error) => {
						if (error) reject(error);
						else resolve();
						await new Promise(setImmediate);
					};
					this.started.push({ name, end, freeSlot });
				}),
		});
	}

	get names(): string {
		return this.started.map(({ name }) => name).join(' ');
	}

	async end(name: string, error?: Error): Promise<void> {
		const found = this.started.find((one) => one.name === name);
		if (!found) throw new Error(`${name} has not begun`);
		await found.end(error);
	}
}

const tasks = (slots: number, memoryMiB = 1000) => new Tasks(new Dispatcher({ slots, memoryMiB }));

t.test('the longest go first, and of equals the first', async (t) => {
	const all = tasks(1);
	all.add('busy');
	for (const [name, estimateMs] of [
		['a', 5],
		['b', 9],
		['c', 5],
		['d', 7],
	] as const)
		all.add(name, { estimateMs });
	for (const name of ['busy', 'b', 'd', 'a', 'c']) await all.end(name);
	t.equal(all.names, 'busy b d a c');
	await all.dispatcher.idle();
});

t.test('guests fit in memory; a large one waits, is not overtaken for ever, and runs alone if it must', async (t) => {
	const all = tasks(8, 100);
	all.add('small', { memoryMiB: 40, estimateMs: 9 });
	all.add('half', { memoryMiB: 60, estimateMs: 8 });
	all.add('huge', { memoryMiB: 500, estimateMs: 7 });
	all.add('tiny', { memoryMiB: 1, estimateMs: 6 });
	t.equal(all.names, 'small half');
	await all.end('small');
	t.equal(all.names, 'small half', 'the huge one is next');
	await all.end('half');
	t.equal(all.names, 'small half huge');
	await all.end('huge');
	t.equal(all.names, 'small half huge tiny');
	const release = all.dispatcher.hold(100);
	all.add('late', { memoryMiB: 5 });
	t.notMatch(all.names, /late/, 'held memory counts');
	release();
	t.match(all.names, /late/);
});

t.test('targets are prepared when units run short, and not before', async (t) => {
	const all = tasks(2);
	all.add('prepare-a', { kind: 'prepare' });
	all.add('prepare-b', { kind: 'prepare' });
	all.add('prepare-c', { kind: 'prepare' });
	t.equal(all.names, 'prepare-a prepare-b', 'both slots have nothing else to do');
	for (const name of ['u1', 'u2', 'u3']) all.add(name);
	await all.end('prepare-a');
	t.equal(all.names, 'prepare-a prepare-b u1', 'units first while there are enough');
	await all.end('u1');
	t.equal(all.names, 'prepare-a prepare-b u1 u2');
	await all.end('prepare-b');
	t.equal(all.names, 'prepare-a prepare-b u1 u2 prepare-c', 'one unit left for two slots');
});

t.test('a task that only waits gives its slot to the next, and keeps its memory', async (t) => {
	const all = tasks(1, 10);
	all.add('lingers', { memoryMiB: 6, estimateMs: 3 });
	all.add('fits', { memoryMiB: 4, estimateMs: 2 });
	all.add('waits', { memoryMiB: 5, estimateMs: 1 });
	all.started[0]?.freeSlot();
	all.started[0]?.freeSlot();
	t.equal(all.names, 'lingers fits', 'freeing it twice frees it once');
	await all.end('fits');
	t.equal(all.names, 'lingers fits');
	await all.end('lingers');
	t.equal(all.names, 'lingers fits waits');
});

t.test('nothing starts after a failure, or when it was dropped; idle waits for what runs', async (t) => {
	const all = tasks(2);
	for (const name of ['a', 'b', 'c']) all.add(name);
	let idle = false;
	const waiting = t.rejects(
		all.dispatcher.idle().finally(() => {
			idle = true;
		}),
		/broken/,
	);
	await all.end('a', new Error('broken'));
	all.add('d');
	t.equal(idle, false);
	await all.end('b');
	await waiting;
	t.equal(all.names, 'a b');
	t.equal(all.dispatcher.drop(), 2, 'c, and d that came too late');
});

t.test('a machine larger than the host is told so, with both numbers', async (t) => {
	const large = { ...machine, name: 'large', memoryMiB: 8192 };
	t.match(beyondHost(large, 8192), {
		code: 'HOST_MEMORY',
		blame: 'infrastructure',
		message: 'machine large has 8192 MiB of memory, this host 8192 MiB, and QEMU takes 192 MiB itself',
		hint: /memoryMiB.*--machine/,
	});
	t.equal(beyondHost(large, 8192 + 192), undefined);
	const hostMiB = await hostMemoryMiB();
	t.ok(hostMiB >= (await hostCapacity(1)).memoryMiB, `${hostMiB} MiB`);
	t.equal(beyondHost(machine, hostMiB), undefined);
});
