// SPDX-License-Identifier: MIT
// The kernel's own selftests of DMA-BUF, built from a kernel's source at run time: static programs for a guest.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'zx';
import { toolPrefix } from '../harness/dist/src/core/architectures.js';

/** Folder below tools/testing/selftests, and the program that its Makefile makes there. */
const SELFTESTS = [
	{ folder: 'dmabuf-heaps', program: 'dmabuf-heap' },
	{ folder: 'drivers/dma-buf', program: 'udmabuf' },
	{ folder: 'sync', program: 'sync_test' },
];

/**
 * @param {string} source a kernel's source, which is only read.
 * @param {'x86_64' | 'arm64'} arch
 * @param {string} output a folder for all that is made.
 * @returns {Promise<string[]>} paths of the programs.
 */
export async function buildSelftests(source, arch, output) {
	const prefix = toolPrefix(arch);
	const headers = join(output, 'headers');
	mkdirSync(headers, { recursive: true });
	await $`make -s -C ${source} O=${headers} ARCH=${arch} headers`.quiet();
	const programs = [];
	for (const { folder, program } of SELFTESTS) {
		const place = join(source, 'tools/testing/selftests', folder);
		// Not every release has all of them.
		if (!existsSync(join(place, 'Makefile'))) continue;
		const made = join(output, folder);
		mkdirSync(made, { recursive: true });
		// From the environment, the Makefiles add to it; from the command line, it would replace what they say.
		const env = { ...process.env, CFLAGS: `-static -isystem ${headers}/usr/include`, KHDR_INCLUDES: '' };
		await $({ env })`make -s -C ${place} OUTPUT=${made} ARCH=${arch} CC=${prefix}gcc ${join(made, program)}`.quiet();
		programs.push(join(made, program));
	}
	return programs;
}
