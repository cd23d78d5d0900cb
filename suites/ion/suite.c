// SPDX-License-Identifier: MIT
/* ion - the ioctls of ION, which heaps have replaced: /dev/ion, in kernels up to 5.10. Its buffers
 * are what the heap suites look at, against the subjects "ion:NAME" (../lib/ion.h). */
#include "ktap.h"

const char fp_suite_name[] = "ion";
