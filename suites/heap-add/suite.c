// SPDX-License-Identifier: MIT
/*
 * Heaps that drivers add. They stay for as long as the kernel runs, so these cases share their
 * guest with no other suite.
 */
#include "ktap.h"

const char fp_suite_name[] = "heap-add";
