// SPDX-License-Identifier: MIT
// The heap suites as 32-bit programs, on 64-bit kernels: what the compat ioctls and mmap2 make of the same promises.
//   npm run compat [-- --kernel source:6.12]... [--arch x86_64]... [--suite alloc]... [--subject system]...
// On arm64 the package gcc-arm-linux-gnueabihf is needed. Exit code: that of `fencepost run`.
import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, minimist } from 'zx';
import { ARCHITECTURES } from '../harness/dist/src/core/architectures.js';
import { Cache } from '../harness/dist/src/core/cache.js';
import { Progress } from '../harness/dist/src/core/progress.js';
import { fetchDebianPackage } from '../harness/dist/src/kernel/fetch.js';
import './reader-gone.mjs';

$.verbose = false;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fencepost = [process.execPath, join(root, 'harness/dist/src/cli/main.js')];
const options = minimist(process.argv.slice(2), { string: ['kernel', 'arch', 'suite', 'subject'] });
const listed = (value, usual) => (value === undefined ? usual : [value].flat());
const note = (text) => process.stderr.write(`${text}\n`);

/** Of each architecture: its compiler for 32-bit programs, and where Debian keeps the libraries of such. */
const COMPILERS = {
	x86_64: { words: ['gcc', '-m32'], musl: 'i386-linux-musl', gnu: 'i386-linux-gnu', libgcc: 'i686-linux-gnu' },
	arm64: {
		words: ['arm-linux-gnueabihf-gcc'],
		musl: 'arm-linux-musleabihf',
		gnu: 'arm-linux-gnueabihf',
		libgcc: 'arm-linux-gnueabihf',
	},
};
const CFLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-fno-pie', '-fno-stack-protector'];

const progress = new Progress('compat', new AbortController().signal, ({ text }) => text && note(text));
const context = { cache: new Cache(), progress, projectRoot: root };

/** Unpacks the C library and the compiler's own for 32-bit programs. @returns {Promise<string>} the folder. */
async function libraries(arch, version) {
	const folder = join(root, 'runs/compat', arch, 'libraries');
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	const { debian } = ARCHITECTURES[arch].compat;
	// A cross compiler brings its own libgcc.
	const names = ['musl-dev', 'linux-libc-dev', ...(arch === 'x86_64' ? [`libgcc-${version}-dev`] : [])];
	for (const name of names) await $`dpkg-deb --extract ${await fetchDebianPackage(name, debian, context)} ${folder}`;
	return folder;
}

/** @returns {Promise<string[]>} paths of the programs. */
async function build(arch, suites) {
	const { words, musl, gnu, libgcc } = COMPILERS[arch];
	const [compiler] = words;
	const { exitCode, stdout } = await $`${compiler} -dumpversion`.nothrow().quiet();
	if (exitCode !== 0) {
		note(`compat: no ${compiler} on this host\n  install gcc-arm-linux-gnueabihf, or name --arch x86_64`);
		process.exit(2);
	}
	const version = stdout.trim().split('.')[0];
	const folder = await libraries(arch, version);
	const lib = join(folder, 'usr/lib', musl);
	const include = (await $`${compiler} -print-file-name=include`).stdout.trim();
	const uapi = [join(folder, 'usr/include'), join(folder, 'usr/include', gnu)];
	const headers = [join(folder, 'usr/include', musl), ...uapi, include].flatMap((path) => ['-isystem', path]);
	const before = [
		...CFLAGS,
		'-nostdinc',
		...headers,
		'-Isuites/lib',
		'-static',
		'-no-pie',
		'-nostdlib',
		'-nostartfiles',
	];
	const after = [`-L${lib}`, `-L${join(folder, 'usr/lib/gcc', libgcc, version)}`];
	const libs = ['-Wl,--start-group', '-lc', '-lgcc', '-Wl,--end-group', join(lib, 'crtn.o')];
	return Promise.all(
		suites.map(async (suite) => {
			const program = join(root, 'runs/compat', arch, `${suite}-32`);
			const folders = [join(root, 'suites', suite), join(root, 'suites/lib')];
			const files = (await $`find ${folders} -name ${'*.c'}`).stdout.trim().split('\n');
			const start = [join(lib, 'crt1.o'), join(lib, 'crti.o')];
			await $`cd ${root} && ${words} ${before} -s -o ${program} ${start} ${files} ${after} ${libs}`;
			return program;
		}),
	);
}

/** Cases that the kernel may answer with the OOM killer, which nothing excuses in a program of the user's. */
const DEADLY = new Set(['ALLOC-08', 'ALLOC-19']);
const known = JSON.parse((await $`${fencepost} list --json`.quiet()).stdout);
const casesOf = (suite) =>
	known.filter((one) => one.suite === suite && !DEADLY.has(one.catalogue)).map((one) => one.case);
const deadly = (suite) => known.some((one) => one.suite === suite && DEADLY.has(one.catalogue));

/** `--program`'s value: a suite against a subject. */
function asked(program, subject) {
	const suite = basename(program, '-32');
	const cases = deadly(suite) ? casesOf(suite).flatMap((one) => ['--case', one]) : [];
	return [program, '--subject', subject, ...cases].join(',');
}

let worst = 0;
for (const arch of listed(options.arch, ['x86_64'])) {
	const suites = listed(options.suite, ['alloc', 'mmap', 'name', 'size', 'sync', 'zero']);
	const subjects = listed(options.subject, ['system', 'reserved']);
	const programs = await build(arch, suites);
	for (const subject of subjects) {
		const out = join(root, 'runs/compat', arch, `run-${subject}`);
		rmSync(out, { recursive: true, force: true });
		const words = [
			...listed(options.kernel, ['source:6.12']).flatMap((kernel) => ['--kernel', kernel]),
			...['--arch', arch, '--out', out],
			...programs.flatMap((program) => ['--program', asked(program, subject)]),
		];
		const { exitCode } = await $({ stdio: 'inherit' })`${fencepost} run ${words}`.nothrow();
		worst = Math.max(worst, exitCode);
	}
}
process.exitCode = worst;
