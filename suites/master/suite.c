// SPDX-License-Identifier: MIT
/* Buffers in the hands of bus masters: devices that reach what the hardware lets them. */
#include "ktap.h"

const char fp_suite_name[] = "master";
