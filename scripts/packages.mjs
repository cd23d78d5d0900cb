// SPDX-License-Identifier: MIT
// What Fencepost needs of a Debian machine, and why. The only list of packages there is.
import { spawnSync } from 'node:child_process';

/** @typedef {{ name: string, why: string, optional?: boolean }} Package */

const foreign = process.arch === 'arm64' ? 'x86_64' : 'arm64';

const CROSS = {
	arm64: [
		{ name: 'gcc-aarch64-linux-gnu', why: 'compiles arm64 kernels and test programs' },
		{ name: 'linux-libc-dev-arm64-cross', why: 'kernel headers for arm64 test programs' },
	],
	x86_64: [
		{ name: 'gcc-x86-64-linux-gnu', why: 'compiles x86-64 kernels and test programs' },
		{ name: 'linux-libc-dev-amd64-cross', why: 'kernel headers for x86-64 test programs' },
	],
};

/** @type {Package[]} */
export const PACKAGES = [
	{ name: 'qemu-system-x86', why: 'runs x86-64 guests' },
	{ name: 'qemu-system-arm', why: 'runs arm64 guests' },
	{ name: 'gcc', why: 'compiles kernels and test programs' },
	{ name: 'linux-libc-dev', why: 'kernel headers for test programs' },
	...CROSS[foreign],
	{ name: 'make', why: 'builds kernels' },
	{ name: 'flex', why: "builds the kernel's configuration tool" },
	{ name: 'bison', why: "builds the kernel's configuration tool" },
	{ name: 'bc', why: 'kernel build: computes constants' },
	{ name: 'libelf-dev', why: 'kernel build: objtool reads x86-64 objects with it' },
	{ name: 'libssl-dev', why: 'kernel build: signing tools of some configurations' },
	{ name: 'xz-utils', why: 'unpacks kernel sources' },
	{ name: 'patch', why: 'applies the few patches that kernels are built with' },
	{ name: 'git', why: 'kernel trees at a revision' },
	{ name: 'debian-archive-keyring', why: 'verifies kernel packages of every Debian release' },
	{ name: 'util-linux', why: 'setpriv ties guests to the harness, flock guards the cache' },
	{ name: 'cpio', why: 'the tests compare our archives with it' },
	{ name: 'binutils', why: 'strips kernels; the tests compare our ELF reader with readelf' },
	{ name: 'kmod', why: "installs a kernel's modules" },
	{ name: 'ccache', why: 'makes second kernel builds several times faster', optional: true },
];

/** The packages that are not installed. */
export function missingPackages() {
	const query = spawnSync(
		'dpkg-query',
		['-W', '-f', '${Package} ${db:Status-Status}\\n', ...PACKAGES.map(({ name }) => name)],
		{
			encoding: 'utf8',
		},
	);
	if (query.error) return undefined;
	const installed = new Set(
		query.stdout
			.split('\n')
			.filter((line) => line.endsWith(' installed'))
			.map((line) => line.split(' ')[0]),
	);
	return PACKAGES.filter(({ name }) => !installed.has(name));
}
