// SPDX-License-Identifier: MIT
import { ARCHITECTURES, type Arch, hostArch, toolPrefix } from '../core/architectures.js';
import { infrastructureError } from '../core/errors.js';
import { run } from '../core/process.js';

/** The programs that build kernels of one architecture. */
export interface Toolchain {
	/** Value of CROSS_COMPILE=, empty for a native build. */
	readonly prefix: string;
	/** Value of CC=. */
	readonly compiler: string;
	/** What the compiler and the linker call themselves: part of a kernel's id. */
	readonly version: string;
}

interface Need {
	/** A command that ends well when the need is met. */
	readonly probe: readonly string[];
	readonly package: string;
	readonly input?: string;
}

const needs = (prefix: string, compilerPackage: string): Need[] => [
	{ probe: ['make', '--version'], package: 'make' },
	{ probe: ['gcc', '--version'], package: 'gcc' },
	{ probe: [`${prefix}gcc`, '--version'], package: compilerPackage },
	{ probe: [`${prefix}ld`, '--version'], package: prefix === '' ? 'binutils' : compilerPackage },
	{ probe: ['flex', '--version'], package: 'flex' },
	{ probe: ['bison', '--version'], package: 'bison' },
	{ probe: ['bc', '--version'], package: 'bc' },
	{ probe: ['perl', '--version'], package: 'perl' },
	{ probe: ['xz', '--version'], package: 'xz-utils' },
	{ probe: ['/sbin/depmod', '--version'], package: 'kmod' },
	{ probe: ['gcc', '-fsyntax-only', '-x', 'c', '-'], input: '#include <gelf.h>\n', package: 'libelf-dev' },
	{ probe: ['gcc', '-fsyntax-only', '-x', 'c', '-'], input: '#include <stdlib.h>\n', package: 'libc6-dev' },
];

/** Finds what builds kernels of `arch`. @throws naming every Debian package that is missing. */
export async function findToolchain(arch: Arch, signal: AbortSignal): Promise<Toolchain> {
	const prefix = toolPrefix(arch);
	const compilerPackage = arch === hostArch ? 'gcc' : ARCHITECTURES[arch].crossCompilerPackage;
	const found: { need: Need; said: string | undefined }[] = [];
	for (const need of needs(prefix, compilerPackage)) found.push({ need, said: await probe(need, signal) });
	const missing = [...new Set(found.filter(({ said }) => said === undefined).map(({ need }) => need.package))];
	if (missing.length > 0) {
		throw infrastructureError(
			'TOOL_MISSING',
			`kernels for ${arch} cannot be built: ${missing.join(', ')} not installed`,
			{
				hint: `run: apt-get install ${missing.join(' ')}   (as root), or: npm run setup`,
			},
		);
	}
	const firstLine = (command: string) =>
		found.find(({ need }) => need.probe[0] === command)?.said?.split('\n')[0] ?? '';
	const ccache = await probe({ probe: ['ccache', '--version'], package: 'ccache' }, signal);
	return {
		prefix,
		compiler: `${ccache === undefined ? '' : 'ccache '}${prefix}gcc`,
		version: `${firstLine(`${prefix}gcc`)}; ${firstLine(`${prefix}ld`)}`,
	};
}

/** What the command said on standard output, or undefined when it is missing or fails. */
async function probe(need: Need, signal: AbortSignal): Promise<string | undefined> {
	const [command = '', ...args] = need.probe;
	try {
		const result = await run(command, args, {
			signal,
			env: { LC_ALL: 'C' },
			...(need.input === undefined ? {} : { input: need.input }),
		});
		return result.stdout;
	} catch {
		signal.throwIfAborted();
		return undefined;
	}
}
