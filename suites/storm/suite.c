// SPDX-License-Identifier: MIT
/*
 * Many threads at the same buffers. A kernel's mistake may show in a check, in the console, or in
 * what is left behind; docs/cases.md says what each storm is made of.
 */
#include "ktap.h"

const char fp_suite_name[] = "storm";
