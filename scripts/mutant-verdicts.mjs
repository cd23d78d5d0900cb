// SPDX-License-Identifier: MIT
// What the campaigns of mutants, of kernels and of heaps, mean by killed.
import { CASE_CLASSES } from '../harness/dist/src/core/case-class.js';

/** What a mutant dies of. A miss is not among them: then nothing was judged. */
export const KILLED = new Set(['fail', 'crash', 'timeout']);

/** Options of `fencepost run`: whatever a case's class, a mutant that it notices is noticed. */
export const EVERY_CLASS_GATES = CASE_CLASSES.flatMap((one) => ['--gate', one]);
