// SPDX-License-Identifier: MIT
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout or installed package: where kernels/, suites/ and guest/ are. This file is harness/dist/src/cli/project.js. */
export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
