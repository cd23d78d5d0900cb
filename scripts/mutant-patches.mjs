// SPDX-License-Identifier: MIT
// The mutants: kernels/mutants/NAME.patch, each one small bug, and what its header says of it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_PROFILE } from '../harness/dist/src/core/selector.js';

/**
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} breaks What it breaks, in one line.
 * @property {readonly string[]} expected Ids of cases, each of which must fail on it.
 * @property {string | undefined} subject What the cases are run against; undefined: whatever they need.
 * @property {string} kernel What it is a patch against, a selector: it is run on no other.
 * @property {string} machine What its guests are, of kernels/machines.yaml.
 * @property {string} profile How its kernel is built, of kernels/catalogue.yaml.
 * @property {string} file Path of the patch.
 * @property {string} text All that the patch says.
 * @property {readonly string[]} touches Files it changes, relative to the kernel's tree, or to the project where it is one of the module's.
 * @property {boolean} ofDevice Whether it breaks the module that plays devices, and not the kernel.
 */

/** The module that plays devices. */
export const DEVICE_MODULE = 'guest/modules/device';

/** Where a patch names no machine. */
export const DEFAULT_MACHINE = 'default';

/** Where a patch names no kernel. */
export const DEFAULT_KERNEL = 'source:6.12';

const HEADER =
	/^Mutant: (?<breaks>.+)\nExpected: (?<expected>.+)\nSubject: (?<subject>\S+)\n(?:Kernel: (?<kernel>\S+)\n)?(?:Machine: (?<machine>\S+)\n)?(?:Profile: (?<profile>\S+)\n)?---\n/;

/** @returns {Mutant} */
function readMutant(file, name) {
	const text = readFileSync(file, 'utf8');
	const header = HEADER.exec(text)?.groups;
	if (!header) throw new Error(`${file} does not begin with the lines Mutant:, Expected:, Subject: and ---`);
	const touches = [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map(([, path]) => path);
	const ofDevice = touches.some((path) => path.startsWith(`${DEVICE_MODULE}/`));
	if (ofDevice && !touches.every((path) => path.startsWith(`${DEVICE_MODULE}/`)))
		throw new Error(`${file} changes both the kernel and ${DEVICE_MODULE}`);
	return {
		name,
		file,
		text,
		breaks: header.breaks,
		expected: header.expected.split(/,\s*/),
		subject: header.subject === '*' ? undefined : header.subject,
		kernel: header.kernel ?? DEFAULT_KERNEL,
		machine: header.machine ?? DEFAULT_MACHINE,
		profile: header.profile ?? DEFAULT_PROFILE,
		touches,
		ofDevice,
	};
}

/** All mutants, by name. @returns {Mutant[]} */
export function readMutants(root) {
	const folder = join(root, 'kernels/mutants');
	return readdirSync(folder)
		.filter((file) => file.endsWith('.patch'))
		.sort()
		.map((file) => readMutant(join(folder, file), file.slice(0, -'.patch'.length)));
}

/** Those that are for a kernel; for one that none is for, those of the usual one, as far as they apply. */
export function mutantsOf(kernel, mutants) {
	const own = mutants.filter((mutant) => mutant.kernel === kernel);
	return own.length > 0 ? own : mutants.filter((mutant) => mutant.kernel === DEFAULT_KERNEL);
}

/** What tells the folders of one kernel's campaign from another's: nothing for the usual one. */
export const kernelPart = (kernel) => (kernel === DEFAULT_KERNEL ? '' : kernel.slice('source:'.length));

/** The name of what there is one of for each kernel. */
export const namedFor = (kernel, first, ...others) => [first, kernelPart(kernel), ...others].filter(Boolean).join('-');
