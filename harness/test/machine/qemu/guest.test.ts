// SPDX-License-Identifier: MIT
// Real guests through the interface of this room, with no session around them.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import t, { type Test } from 'tap';
import { ARCHES, type Arch } from '../../../src/core/architectures.js';
import { Cache } from '../../../src/core/cache.js';
import { sleep } from '../../../src/core/clock.js';
import { Progress } from '../../../src/core/progress.js';
import { parseKernelSelector } from '../../../src/core/selector.js';
import { buildInitramfs } from '../../../src/image/initramfs.js';
import { buildGuestPrograms } from '../../../src/image/suites.js';
import { fetchDebianPackage } from '../../../src/kernel/fetch.js';
import { resolveKernel } from '../../../src/kernel/resolve.js';
import type { Guest, GuestSpec, GuestStart, TemplateStart } from '../../../src/machine/machine.js';
import { QemuGuest } from '../../../src/machine/qemu/guest.js';
import { QemuStarter } from '../../../src/machine/qemu/starter.js';
import { resolveMachine } from '../../../src/plan/machine-resolve.js';
import { loadMachineLibrary } from '../../../src/plan/machines.js';

/** A build of two kernels from nothing may come first. */
t.setTimeout(45 * 60_000);

const cache = new Cache();
const { signal } = new AbortController();
const progress = new Progress('test', signal);
const root = process.cwd();

async function specOf(arch: Arch): Promise<GuestSpec> {
	const kernel = await resolveKernel(parseKernelSelector('source:6.12', 'test'), arch, {
		...{ cache, projectRoot: root, progress },
	});
	const { agent, suites } = await buildGuestPrograms({
		...{ root, arch, suites: ['name'], cache, progress },
		fetchPackage: (name, debianArch) => fetchDebianPackage(name, debianArch, { cache, progress, projectRoot: root }),
	});
	const initramfs = await buildInitramfs({ arch, agent, suites, cache, progress });
	const machine = resolveMachine('default', await loadMachineLibrary('kernels/machines.yaml'), 'test');
	const identity = `${kernel.id} ${initramfs.id}`;
	return { arch, machine, kernel: kernel.image, initramfs: initramfs.path, identity };
}

const specs = new Map<Arch, Promise<GuestSpec>>(ARCHES.map((arch) => [arch, specOf(arch)]));

/** How a guest is started here; `commands` gets what is executed. */
async function startOf(directory: string, arch: Arch, more: Partial<GuestSpec> = {}, commands: string[] = []) {
	const spec = { ...((await specs.get(arch)) as GuestSpec), ...more };
	const limits = { bootMs: 60_000, silenceMs: 20_000, hungMs: 10_000 };
	const start: TemplateStart & GuestStart = {
		...{ spec, limits, signal, progress, consoleFile: join(directory, 'console.log'), onConsole: () => {} },
		onCommand: (_byHand, exact) => commands.push(exact.join(' ')),
	};
	return start;
}

async function withGuest(guest: Guest, work: (guest: QemuGuest) => Promise<void> | void): Promise<void> {
	try {
		if (!(guest instanceof QemuGuest)) throw new Error('not a guest of QEMU');
		await work(guest);
	} finally {
		await guest.stop();
	}
}

/** What proc(5) says of every thread of a process: one line for each different answer. */
function statusOf(pid: number): string[] {
	const fields = /^(?:Uid|Gid|Groups|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):.*$/gm;
	const each = readdirSync(`/proc/${pid}/task`).map((task) =>
		(readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1').match(fields) ?? []).join('; ').replace(/\s+/g, ' '),
	);
	return [...new Set(each)];
}

const NOTHING = '0000000000000000';
const NOBODY =
	`Uid: 65534 65534 65534 65534; Gid: 65534 65534 65534 65534; Groups: ; ` +
	`CapPrm: ${NOTHING}; CapEff: ${NOTHING}; CapBnd: ${NOTHING}; CapAmb: ${NOTHING}; NoNewPrivs: 1; Seccomp: 2`;

function requireConfined(t: Test, { qemu }: QemuGuest, what: string): void {
	const [status = '', ...others] = statusOf(qemu.pid);
	t.same(others, [], `${what}: all threads alike`);
	if (getuid?.() === 0) t.equal(status, NOBODY, `${what}: nobody, without groups or capabilities, sandboxed`);
	else t.match(status, new RegExp(`^Uid: ${getuid?.()} .*CapEff: ${NOTHING}; .*NoNewPrivs: 1; Seccomp: 2$`), what);
	const environment = readFileSync(`/proc/${qemu.pid}/environ`, 'latin1');
	t.notMatch(environment, /TOKEN_OF_SOMEBODY/, `${what}: no secrets of the harness's environment`);
}

for (const arch of ARCHES) {
	t.test(`${arch}: QEMU has no privileges, whichever way its guest was started`, async (t) => {
		process.env['TOKEN_OF_SOMEBODY'] = 'secret';
		const commands: string[] = [];
		// Files that only their owner may read, where only their owner may go.
		const spec = (await specs.get(arch)) as GuestSpec;
		const directory = t.testdir();
		const folder = join(directory, 'mine');
		mkdirSync(folder, { mode: 0o700 });
		const own = { kernel: join(folder, 'kernel'), initramfs: join(folder, 'initramfs') };
		for (const name of ['kernel', 'initramfs'] as const) {
			copyFileSync(spec[name], own[name]);
			chmodSync(own[name], 0o600);
		}
		// A cache of its own: the template is made here, with these files too.
		const starter = new QemuStarter(new Cache(join(directory, 'cache')));
		await withGuest(await starter.start(await startOf(directory, arch, own, commands)), (guest) => {
			requireConfined(t, guest, 'booted');
		});
		const start = await startOf(directory, arch, own, commands);
		const template = await starter.template(start);
		t.equal(template.cached, false);
		await withGuest(await template.clone(start), async (guest) => {
			requireConfined(t, guest, 'cloned');
			const words = Buffer.from(await guest.get('/proc/cmdline', 4096, signal)).toString('latin1');
			t.equal(words.trim(), guest.facts.cmdline, 'and it works');
			await t.rejects(guest.get('/proc/cmdline', 3, signal), { code: 'GET_REFUSED' }, 'no more than was asked for');
		});
		await template.close();
		for (const command of commands) t.notMatch(command, folder, 'QEMU is given no path of the host');
		t.equal(commands.length, 3, 'a boot, a template, a clone');
	});
}

/** QEMUs that this process has started and that still run. */
function running(): number[] {
	return readdirSync('/proc/self/task')
		.flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'latin1').trim().split(' '))
		.map(Number)
		.filter((pid) => pid > 0 && readFileSync(`/proc/${pid}/comm`, 'latin1').startsWith('qemu-system'));
}

t.test('clones are made ahead, and each is its own', async (t) => {
	const directory = t.testdir();
	const start = await startOf(directory, 'x86_64');
	const template = await new QemuStarter(cache).template(start);
	const uuid = async (guest: Guest) =>
		Buffer.from(await guest.get('/proc/sys/kernel/random/uuid', 64, signal)).toString('latin1');
	const said: string[] = [];
	const job = { program: '/init', args: ['rehearse'], env: {}, deadlineMs: 60_000 };
	const output = { stdout: (bytes: Uint8Array) => said.push(Buffer.from(bytes).toString()), stderr: () => {} };
	const guests = await Promise.all([template.clone(start), template.clone(start), template.clone(start)]);
	const words = await Promise.all(guests.map(uuid));
	t.equal(new Set(words).size, 3, 'three at once: no two have the same random numbers');
	const [first] = guests;
	const outcome = await first?.run(job, output, signal);
	t.match(outcome, { status: 0, stuck: false, timedOut: false });
	t.match(said.join(''), /^rehearsed on 6\.12\./);
	await Promise.all(guests.map((guest) => guest.stop()));
	// The one that stands ready is lost: to the host's want of memory, say.
	while (running().length === 0) await sleep(10);
	for (const pid of running()) process.kill(pid, 'SIGKILL');
	await sleep(100);
	await withGuest(await template.clone(start), async (guest) => {
		t.notOk(words.includes(await uuid(guest)), 'a lost one is made again');
	});
	await template.close();
	t.same(running(), [], 'and nothing is left when the template is closed');
	await t.rejects(template.clone(start), { code: 'TEMPLATE_CLOSED' });
});
