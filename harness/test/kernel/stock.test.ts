// SPDX-License-Identifier: MIT
// What makes Debian's headers of a kernel a folder to build modules in on any machine.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { adaptToCompiler } from '../../src/kernel/compiler-options.js';
import { isLibrary, runWithLibraries } from '../../src/kernel/foreign-tools.js';

const never = new AbortController().signal;

t.test('programs are run with the libraries beside them, wherever both are moved', async (t) => {
	const root = t.testdir({
		tools: { mod: { 'a script': '#!/bin/sh\nexit 3\n', 'data.real-lsb-64': 'no program of its own' } },
		libraries: {},
	});
	const tools = join(root, 'tools');
	const libraries = join(root, 'libraries');
	await t.rejects(runWithLibraries(tools, libraries), { code: 'TOOLS_UNUSABLE', message: /no loader of programs/ });
	// A program of this machine's, with what ldd(1) says it needs.
	const program = '/usr/bin/env';
	const needed = execFileSync('ldd', [program], { encoding: 'utf8' });
	for (const [, file = ''] of needed.matchAll(/(\/\S+) \(0x/g)) copyFileSync(file, join(libraries, basename(file)));
	for (const name of ['env', 'choose', 'choose.real-lsb-64', 'choose.real-msb-64'])
		copyFileSync(name === 'choose.real-lsb-64' ? program : '/bin/false', join(tools, 'mod', name));
	copyFileSync(program, join(tools, 'env'));
	await runWithLibraries(tools, libraries);
	t.equal(readFileSync(join(tools, 'mod', 'a script'), 'utf8'), '#!/bin/sh\nexit 3\n', 'scripts are left alone');

	const moved = join(root, 'moved');
	mkdirSync(moved);
	renameSync(tools, join(moved, 'tools'));
	renameSync(libraries, join(moved, 'libraries'));
	symlinkSync('moved/tools', join(root, 'link'));
	const said = (path: string, ...args: string[]) => spawnSync(join(root, path), args, { encoding: 'utf8' });
	t.match(said('moved/tools/env', 'A=b c', 'sh', '-c', 'printf %s "$A"'), { status: 0, stdout: 'b c' });
	t.match(said('link/env', 'printf', '%s|', 'a b', '*'), { status: 0, stdout: 'a b|*|' });
	t.match(
		said('link/mod/choose', 'echo', 'chosen'),
		{ status: 0, stdout: 'chosen\n' },
		'for little-endian files of 64 bits',
	);
	t.equal(said('link/mod/env').status, 1);
	t.equal(statSync(join(moved, 'tools', 'env')).mode & 0o111, 0o111);
	const names = ['libc.so.6', 'libelf-0.192.so', 'ld-linux-x86-64.so.2', 'ld-2.31.so', 'libelf.a', 'gconv'];
	t.same(names.filter(isLibrary), names.slice(0, 4));
});

t.test('a configuration says what this compiler can do, and is otherwise the kernel’s', async (t) => {
	const kernels = [
		...['CONFIG_GCC_VERSION=990000', 'CONFIG_CC_VERSION_TEXT="gcc-99 (Debian) 99.0"', 'CONFIG_CC_IS_GCC=y'],
		...['CONFIG_CC_HAS_COUNTED_BY=y', 'CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=y', 'CONFIG_CC_HAS_ASM_INLINE=y'],
		...['CONFIG_CC_OPT_NOBODY_HAS="-fno-such-option"', 'CONFIG_CC_OPT_ALL_HAVE="-O2"', 'CONFIG_HZ=250'],
	];
	const header = kernels
		.map((line) => `#define ${line.replace('=', ' ').replace(/ y$/, ' 1')}\n`)
		.join('')
		.concat('/* end */\n');
	const folder = t.testdir({
		include: { config: { 'auto.conf': kernels.join('\n') }, generated: { 'autoconf.h': header } },
	});
	const compiler = join(folder, 'compiler');
	writeFileSync(
		compiler,
		[
			'#!/bin/sh',
			'case "$*" in',
			'--version) echo "ours (Debian #12) 12.2.0"; echo "more"; exit;;',
			'*dumpfullversion*) echo 12.2.0; exit;;',
			'*no-such-option*|*min-function-alignment*) exit 1;;',
			'esac',
			'! grep -q counted_by',
			'',
		].join('\n'),
		{ mode: 0o755 },
	);
	await adaptToCompiler(folder, compiler, never);
	t.same(readFileSync(join(folder, 'include/config/auto.conf'), 'utf8').split('\n'), [
		...['CONFIG_GCC_VERSION=120200', 'CONFIG_CC_VERSION_TEXT="ours (Debian 12) 12.2.0"', 'CONFIG_CC_IS_GCC=y'],
		...['CONFIG_CC_HAS_ASM_INLINE=y', 'CONFIG_CC_OPT_ALL_HAVE="-O2"', 'CONFIG_HZ=250'],
	]);
	t.same(readFileSync(join(folder, 'include/generated/autoconf.h'), 'utf8').split('\n'), [
		...['#define CONFIG_GCC_VERSION 120200', '#define CONFIG_CC_VERSION_TEXT "ours (Debian 12) 12.2.0"'],
		...['#define CONFIG_CC_IS_GCC 1', '#define CONFIG_CC_HAS_ASM_INLINE 1', '#define CONFIG_CC_OPT_ALL_HAVE "-O2"'],
		...['#define CONFIG_HZ 250', '/* end */', ''],
	]);
});
