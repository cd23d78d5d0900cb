// SPDX-License-Identifier: MIT
/* Buffers in the hands of an importer of the kernel's own: a display driver. */
#include "ktap.h"

const char fp_suite_name[] = "display";
