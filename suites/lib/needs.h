/* SPDX-License-Identifier: MIT */
/* needs.h - what a case cannot do without, and how to see whether it is there. */
#ifndef FENCEPOST_NEEDS_H
#define FENCEPOST_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "ktap.h"

/*
 * True when all that the case needs is there. False: `reason` becomes "needs NEED: why", which is
 * how the harness knows what was missing. A need that no table knows counts as missing.
 */
bool fp_needs_met(const struct fp_case *c, char *reason, size_t size);

/* What sort of heap the subject is: "system", "cma", "vendor", or "ion" whatever it is made of.
 * FENCEPOST_HEAP_KIND decides, else its name. */
const char *fp_heap_kind(void);

#endif
