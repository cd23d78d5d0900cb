// SPDX-License-Identifier: MIT
/* Mapping a heap's buffers: bounds, offsets, access modes, remapping, and what kind of memory comes
 * out. */
#include "ktap.h"

const char fp_suite_name[] = "mmap";
