// SPDX-License-Identifier: MIT
import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import { ARCHES, type Arch, toolPrefix } from '../core/architectures.js';
import { Cache } from '../core/cache.js';
import { messageOf } from '../core/errors.js';
import { run } from '../core/process.js';
import { chooseAccelerator, qemuVersion } from '../machine/qemu/accelerator.js';

/** One line of the report: what was looked at, whether it is well, and what was found or is to be done. */
export interface Finding {
	readonly what: string;
	readonly state: 'ok' | 'note' | 'missing';
	readonly detail: string;
}

const GIB = 1024 ** 3;
/** A kernel source, its build trees for two architectures, and the packages. */
const WANTED_FREE_GIB = 8;

export function doctorCommand(): Command {
	return new Command('doctor')
		.description('Tells what this host can do, what is missing, and which accelerator guests get and why.')
		.option('--json', 'as JSON')
		.action(async (options: { json?: boolean }) => {
			const findings = await examine(new Cache());
			process.stdout.write(
				options.json ? `${JSON.stringify(findings, null, 1)}\n` : findings.map(formatFinding).join(''),
			);
			process.exitCode = findings.some(({ state }) => state === 'missing') ? 3 : 0;
		});
}

function formatFinding({ what, state, detail }: Finding): string {
	return `${state.padEnd(8)}${what.padEnd(24)}${detail}\n`;
}

/** Looks at everything a run needs of the host. */
export async function examine(cache: Cache): Promise<Finding[]> {
	const perArch = await Promise.all(ARCHES.map((arch) => examineArch(arch, cache)));
	return [
		{ what: 'node', state: 'ok', detail: process.versions.node },
		...perArch.flat(),
		...(await Promise.all(TOOLS.map(examineTool))),
		await examineDisk(cache),
		{
			what: 'memory',
			state: 'ok',
			detail: `${(totalmem() / GIB).toFixed(1)} GiB, ${(freemem() / GIB).toFixed(1)} GiB free`,
		},
		{ what: 'cores', state: 'ok', detail: String(availableParallelism()) },
	];
}

async function examineArch(arch: Arch, cache: Cache): Promise<Finding[]> {
	const findings: Finding[] = [];
	try {
		findings.push({ what: `qemu ${arch}`, state: 'ok', detail: await qemuVersion(arch) });
		const { accelerator, reason } = await chooseAccelerator(arch, cache);
		findings.push({
			what: `accelerator ${arch}`,
			state: accelerator === 'kvm' ? 'ok' : 'note',
			detail: `${accelerator}: ${reason}`,
		});
	} catch (error) {
		findings.push({ what: `qemu ${arch}`, state: 'missing', detail: `${messageOf(error)}; run: npm run setup` });
	}
	const compiler = `${toolPrefix(arch)}gcc`;
	findings.push(
		await examineTool({
			what: `compiler ${arch}`,
			command: compiler,
			args: ['-dumpfullversion'],
			why: 'run: npm run setup',
		}),
	);
	return findings;
}

interface Tool {
	readonly what: string;
	readonly command: string;
	readonly args: readonly string[];
	readonly why: string;
	readonly optional?: boolean;
}

const TOOLS: readonly Tool[] = [
	{ what: 'make', command: 'make', args: ['--version'], why: 'kernels cannot be built' },
	{ what: 'flex', command: 'flex', args: ['--version'], why: 'kernels cannot be built' },
	{ what: 'bison', command: 'bison', args: ['--version'], why: 'kernels cannot be built' },
	{ what: 'bc', command: 'bc', args: ['--version'], why: 'kernels cannot be built' },
	{ what: 'git', command: 'git', args: ['--version'], why: 'tree:PATH@REV cannot be had' },
	{ what: 'xz', command: 'xz', args: ['--version'], why: 'kernel sources cannot be unpacked' },
	{
		what: 'apt',
		command: 'apt-get',
		args: ['--version'],
		why: 'source: and debian: kernels cannot be had; tree: and file: can',
	},
	{ what: 'setpriv', command: 'setpriv', args: ['--version'], why: 'guests cannot be tied to the harness' },
	{ what: 'flock', command: 'flock', args: ['--version'], why: 'the cache cannot be shared safely' },
	{
		what: 'ccache',
		command: 'ccache',
		args: ['--version'],
		why: 'second kernel builds are slower without it',
		optional: true,
	},
];

async function examineTool({ what, command, args, why, optional }: Tool): Promise<Finding> {
	try {
		const { stdout } = await run(command, args, { timeoutMs: 10_000 });
		return { what, state: 'ok', detail: stdout.split('\n')[0] ?? '' };
	} catch {
		return { what, state: optional ? 'note' : 'missing', detail: `${command} is not installed: ${why}` };
	}
}

async function examineDisk(cache: Cache): Promise<Finding> {
	try {
		const { bavail, bsize } = await statfs(cache.workPath());
		const freeGib = (bavail * bsize) / GIB;
		const state = freeGib < WANTED_FREE_GIB ? 'note' : 'ok';
		return { what: 'cache', state, detail: `${cache.root}, ${freeGib.toFixed(0)} GiB free` };
	} catch (error) {
		return { what: 'cache', state: 'missing', detail: messageOf(error) };
	}
}
