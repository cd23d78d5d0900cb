// SPDX-License-Identifier: MIT
/* What a driver that imports a buffer gets: for a device, and in the kernel's own memory. */
#include "ktap.h"

const char fp_suite_name[] = "importer";
