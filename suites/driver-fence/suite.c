// SPDX-License-Identifier: MIT
/* Fences that a driver puts on a buffer, as programs and other drivers wait for them. */
#include "ktap.h"

const char fp_suite_name[] = "driver-fence";
