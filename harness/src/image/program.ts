// SPDX-License-Identifier: MIT
import { constants, open } from 'node:fs/promises';
import { ARCHES, ARCHITECTURES, type Arch, toolPrefix } from '../core/architectures.js';
import { errnoOf, FencepostError, messageOf, usageError } from '../core/errors.js';
import { type ElfFacts, inspectElf } from './elf.js';

/** The largest program that is shipped into a guest: it lies in the guest's memory twice, in the worst case. */
export const MAX_PROGRAM_BYTES = 64 * 1024 * 1024;

/**
 * Looks at a program before a guest is booted for it. @throws FencepostError (usage) when it is not there, no
 * ELF program, for another architecture, or not static, with how to make one that can be run.
 */
export async function checkProgram(path: string, arch: Arch): Promise<ElfFacts> {
	const bytes = await readProgram(path);
	const hint = `link it static, as in: ${toolPrefix(arch)}gcc -static -o NAME NAME.c`;
	if (bytes[0] === 0x23 && bytes[1] === 0x21) {
		const interpreter = bytes.subarray(2, 80).toString('latin1').split('\n')[0]?.trim();
		throw usageError(
			'PROGRAM_SCRIPT',
			`${path} is a script for ${interpreter}, which is not in the guest`,
			`a guest holds no interpreters; write it in a compiled language and ${hint}`,
		);
	}
	const elf = inspect(path, bytes, hint);
	const { elfMachine, compat } = ARCHITECTURES[arch];
	if (!elf.littleEndian || elf.machine !== (elf.bits === 64 ? elfMachine : compat.elfMachine)) {
		throw usageError('PROGRAM_ARCHITECTURE', `${path} is a program for ${machineName(elf)}, not for ${arch}`, hint);
	}
	if (elf.linkage === 'dynamic') {
		throw usageError(
			'PROGRAM_DYNAMIC',
			`${path} is linked dynamically${elf.interpreter === undefined ? '' : ` (it asks for ${elf.interpreter})`}; ` +
				'the guest has no libraries',
			hint,
		);
	}
	if (elf.linkage !== 'static') {
		const what =
			elf.linkage === 'library' ? 'a shared library' : elf.type === 'core' ? 'a core dump' : 'an object file';
		throw usageError('PROGRAM_NOT_LINKED', `${path} is ${what}, not a program`, hint);
	}
	return elf;
}

async function readProgram(path: string): Promise<Buffer> {
	let file: Awaited<ReturnType<typeof open>> | undefined;
	try {
		// A pipe that nobody writes to would be waited for.
		file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
		const status = await file.stat();
		if (!status.isFile()) throw usageError('PROGRAM_MISSING', `${path} is not a regular file`);
		if (status.size > MAX_PROGRAM_BYTES) {
			throw usageError(
				'PROGRAM_TOO_LARGE',
				`${path} has ${status.size} bytes; at most ${MAX_PROGRAM_BYTES} are shipped`,
			);
		}
		return await file.readFile();
	} catch (error) {
		if (error instanceof FencepostError) throw error;
		const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
		throw usageError('PROGRAM_MISSING', `cannot read the program ${path}: ${why}`);
	} finally {
		await file?.close();
	}
}

function inspect(path: string, bytes: Buffer, hint: string): ElfFacts {
	try {
		return inspectElf(bytes);
	} catch (error) {
		throw usageError('PROGRAM_NOT_ELF', `${path} is no program a kernel can run: ${messageOf(error)}`, hint);
	}
}

function machineName({ machine, bits, littleEndian }: ElfFacts): string {
	const arch = ARCHES.find((known) => ARCHITECTURES[known].elfMachine === machine);
	const compat = ARCHES.map((known) => ARCHITECTURES[known].compat).find((known) => known.elfMachine === machine);
	const name = arch ?? compat?.name ?? `machine ${machine} of elf(5)`;
	return arch && bits === 64 && littleEndian
		? name
		: `${name} (${bits} bit, ${littleEndian ? 'little' : 'big'} endian)`;
}
