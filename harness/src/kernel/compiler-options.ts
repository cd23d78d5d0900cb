// SPDX-License-Identifier: MIT
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../core/process.js';

// A kernel's configuration says what the compiler can do that it was built by, and its headers and Makefiles believe it.
// A module is built by the compiler that is here. What the kernel's structures look like does not depend on any of this.

/** What an option asks of a compiler. */
interface Ability {
	readonly flags?: readonly string[];
	readonly code?: string;
}

/** Options of init/Kconfig, lib/Kconfig.debug and arch/Kconfig that compilers before GCC 16 may lack. */
const ABILITIES: Readonly<Record<string, Ability>> = {
	CONFIG_CC_HAS_ASSUME: { code: 'void f(int x) { __attribute__((__assume__(x > 0))); }' },
	CONFIG_CC_HAS_COUNTED_BY: { code: 'struct s { int n; int a[] __attribute__((__counted_by__(n))); };' },
	CONFIG_CC_HAS_COUNTED_BY_PTR: { code: 'struct s { int n; int *p __attribute__((__counted_by__(n))); };' },
	CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT: { flags: ['-fmin-function-alignment=16'] },
	CONFIG_CC_HAS_MULTIDIMENSIONAL_NONSTRING: {
		code: 'const char a[2][2] __attribute__((__nonstring__)) = { "ab", "cd" };',
	},
};

/** Files of a build folder that hold its configuration, for make and for the compiler. */
const AUTO_CONF = 'include/config/auto.conf';
const AUTOCONF_H = 'include/generated/autoconf.h';

/** Makes a build folder's configuration say what this compiler can do, not the kernel's. */
export async function adaptToCompiler(folder: string, compiler: string, signal: AbortSignal): Promise<void> {
	const accepts = async ({ flags = [], code = '' }: Ability) => {
		const args = ['-Werror', '-Wall', ...flags, '-x', 'c', '-fsyntax-only', '-'];
		return (await run(compiler, args, { signal, input: `${code}\n`, accept: [0, 1] })).status === 0;
	};
	const own = await ownOptions(compiler, signal);
	const autoConf = await readFile(join(folder, AUTO_CONF), 'utf8');
	const lacking = new Set<string>();
	for (const [, option = '', value = ''] of autoConf.matchAll(/^(CONFIG_\w+)=(.*)$/gm)) {
		// A flag of the compiler's, as in CONFIG_CC_OPT_INLINE_MEMSET.
		const flag = /^CONFIG_CC_/.test(option) ? /^"(-[^" ]+)"$/.exec(value)?.[1] : undefined;
		const ability = ABILITIES[option] ?? (flag === undefined ? undefined : { flags: [flag] });
		if (ability && !(await accepts(ability))) lacking.add(option);
	}
	const adapted = async (file: string, form: RegExp) => {
		const lines = (await readFile(join(folder, file), 'utf8')).split('\n').flatMap((line) => {
			const [, before = '', option = '', quote = ''] = form.exec(line) ?? [];
			const value = own.get(option);
			if (lacking.has(option)) return [];
			return value === undefined ? [line] : [`${before}${quote}${value}${quote}`];
		});
		await writeFile(join(folder, file), lines.join('\n'));
	};
	// make's strings stand in quotes up to 5.16.
	await adapted(AUTO_CONF, /^((CONFIG_\w+)=)("?)/);
	await adapted(AUTOCONF_H, /^(#define (CONFIG_\w+) )("?)/);
}

/** What the compiler calls itself, as scripts/Kconfig.include asks it. */
async function ownOptions(compiler: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
	const said = async (...args: string[]) =>
		(await run(compiler, args, { signal, env: { LC_ALL: 'C' } })).stdout.split('\n')[0] ?? '';
	const [major = 0, minor = 0, patch = 0] = (await said('-dumpfullversion', '-dumpversion')).split('.').map(Number);
	return new Map([
		['CONFIG_GCC_VERSION', String(major * 10000 + minor * 100 + patch)],
		['CONFIG_CC_VERSION_TEXT', (await said('--version')).replaceAll('#', '')],
	]);
}
