// SPDX-License-Identifier: MIT
/*
 * What a heap can serve, as users ask for it: "this device needs contiguous memory". A pass is a
 * yes, a skip that begins with "no" is a no, and neither is a fault. What was measured stands
 * beside it, as "fact NAME=VALUE": `fencepost heaps` makes a table of it.
 */
#include "ktap.h"

const char fp_suite_name[] = "constraints";
