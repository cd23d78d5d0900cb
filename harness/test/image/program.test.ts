// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type { Arch } from '../../src/core/architectures.js';
import { FencepostError } from '../../src/core/errors.js';
import { inspectElf } from '../../src/image/elf.js';
import { checkProgram } from '../../src/image/program.js';

const scratch = t.testdir({
	'main.c': '#include <stdio.h>\nint main(void) { puts("1..0"); return 0; }\n',
	'bare.c': 'void _start(void) { for (;;) ; }\n',
	'lib.c': 'int answer(void) { return 42; }\n',
});
const at = (name: string) => join(scratch, name);
const X86 = 'x86_64-linux-gnu-gcc';
const ARM = 'aarch64-linux-gnu-gcc';

/** Files of every kind that can be met, made by the real compilers. */
const FILES: readonly [name: string, compiler: string, flags: string[]][] = [
	['static', X86, ['-static', 'main.c']],
	['static-pie', X86, ['-static-pie', 'main.c']],
	['dynamic', X86, ['main.c']],
	['dynamic-no-pie', X86, ['-no-pie', 'main.c']],
	['bare', X86, ['-nostdlib', '-static', 'bare.c']],
	['bare-32', X86, ['-m32', '-nostdlib', '-static', 'lib.c', '-Wl,--entry=answer']],
	['library', X86, ['-shared', '-fPIC', 'lib.c']],
	['library-alone', X86, ['-shared', '-fPIC', '-nostdlib', 'lib.c']],
	['object', X86, ['-c', 'lib.c']],
	['arm-static', ARM, ['-static', 'main.c']],
	['arm-dynamic', ARM, ['main.c']],
	['arm-object', ARM, ['-c', 'lib.c']],
];
for (const [name, compiler, flags] of FILES) execFileSync(compiler, [...flags, '-o', name], { cwd: scratch });

function readelf(option: string, name: string): string {
	return execFileSync('readelf', ['--wide', option, at(name)], {
		encoding: 'utf8',
		env: { ...process.env, LC_ALL: 'C' },
	});
}

t.test('readelf sees the same', async (t) => {
	const types = { relocatable: 'REL', executable: 'EXEC', shared: 'DYN', core: 'CORE', other: '' };
	const machines = new Map([
		[3, 'Intel 80386'],
		[62, 'Advanced Micro Devices X86-64'],
		[183, 'AArch64'],
	]);
	const linkages: Readonly<Record<string, string>> = { object: 'none', 'arm-object': 'none' };
	for (const [name] of FILES) {
		const elf = inspectElf(readFileSync(at(name)));
		const header = readelf('--file-header', name);
		t.match(header, new RegExp(`Class: +ELF${elf.bits}\\n`), name);
		t.match(header, new RegExp(`Type: +${types[elf.type]} `), name);
		t.match(header, new RegExp(`Machine: +${machines.get(elf.machine)}\\n`), name);
		t.equal(elf.littleEndian, header.includes('little endian'), name);
		const asked = /program interpreter: (.*)\]/.exec(readelf('--program-headers', name))?.[1];
		t.equal(elf.interpreter, asked, `${name}: interpreter`);
		const expected = name.includes('library') ? 'library' : asked === undefined ? 'static' : 'dynamic';
		t.equal(elf.linkage, linkages[name] ?? expected, `${name}: linkage`);
	}
});

t.test('programs for a guest', async (t) => {
	writeFileSync(at('script'), '#!/bin/sh\necho 1..0\n');
	writeFileSync(at('text'), 'hello');
	writeFileSync(at('nothing'), '');
	mkdirSync(at('folder'));
	execFileSync('mkfifo', [at('pipe')]);
	writeFileSync(at('huge'), '');
	truncateSync(at('huge'), 65 * 1024 * 1024);
	writeFileSync(at('cut'), readFileSync(at('static')).subarray(0, 100));
	const refused: readonly [name: string, arch: Arch, code: string, message: RegExp, hint?: RegExp][] = [
		['arm-static', 'x86_64', 'PROGRAM_ARCHITECTURE', /a program for arm64, not for x86_64/],
		['bare-32', 'arm64', 'PROGRAM_ARCHITECTURE', /a program for i386 \(32 bit, little endian\), not for arm64/],
		['static', 'arm64', 'PROGRAM_ARCHITECTURE', /a program for x86_64, not for arm64/, /aarch64-linux-gnu-gcc -static/],
		[
			'arm-dynamic',
			'arm64',
			'PROGRAM_DYNAMIC',
			/ld-linux-aarch64\.so\.1.*no libraries/,
			/aarch64-linux-gnu-gcc -static/,
		],
		['dynamic', 'x86_64', 'PROGRAM_DYNAMIC', /dynamically/, /gcc -static -o NAME NAME\.c/],
		['object', 'x86_64', 'PROGRAM_NOT_LINKED', /an object file/],
		['library-alone', 'x86_64', 'PROGRAM_NOT_LINKED', /a shared library/],
		['script', 'arm64', 'PROGRAM_SCRIPT', /a script for \/bin\/sh/],
		['text', 'arm64', 'PROGRAM_NOT_ELF', /does not begin like an ELF file/],
		['nothing', 'arm64', 'PROGRAM_NOT_ELF', /does not begin/],
		['cut', 'x86_64', 'PROGRAM_NOT_ELF', /point outside the file/],
		['folder', 'x86_64', 'PROGRAM_MISSING', /not a regular file/],
		['pipe', 'x86_64', 'PROGRAM_MISSING', /not a regular file/],
		['huge', 'x86_64', 'PROGRAM_TOO_LARGE', /68157440 bytes; at most 67108864/],
		['none', 'x86_64', 'PROGRAM_MISSING', /there is no such file/],
	];
	for (const [name, arch, code, message, hint] of refused) {
		await t.rejects(checkProgram(at(name), arch), { code, blame: 'usage', message, ...(hint ? { hint } : {}) }, name);
	}
	for (const name of ['static', 'static-pie', 'bare', 'bare-32'])
		t.equal((await checkProgram(at(name), 'x86_64')).linkage, 'static');
	t.equal((await checkProgram(at('arm-static'), 'arm64')).linkage, 'static');
	const shell = existsSync('/bin/busybox') ? '/bin/busybox' : '/bin/sh';
	await t.rejects(checkProgram(shell, 'arm64'), { code: 'PROGRAM_ARCHITECTURE' }, 'a program of the host');
});

t.test('any bytes give facts or ELF_MALFORMED', async (t) => {
	const sound = (bytes: Uint8Array) => {
		try {
			inspectElf(bytes);
			return true;
		} catch (error) {
			return error instanceof FencepostError && error.code === 'ELF_MALFORMED';
		}
	};
	fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), sound));
	for (const name of ['dynamic', 'arm-dynamic', 'static-pie']) {
		const whole = readFileSync(at(name));
		const head = whole.subarray(0, 2048);
		// Offsets, sizes and counts in the header and the program headers, at their most spiteful.
		const flips = fc.array(fc.tuple(fc.nat(head.length - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), {
			maxLength: 6,
		});
		fc.assert(
			fc.property(flips, fc.integer({ min: 4, max: whole.length }), (changes, length) => {
				const bytes = Buffer.from(whole.subarray(0, length));
				for (const [place, value] of changes) if (place >= 4 && place < length) bytes[place] = value;
				return sound(bytes);
			}),
		);
	}
	t.pass('none of them threw anything else');
});
