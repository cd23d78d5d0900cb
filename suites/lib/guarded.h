/* SPDX-License-Identifier: MIT */
/* guarded.h - memory whose next byte cannot be touched, so that a call that reads or writes too far
 * is told. */
#ifndef FENCEPOST_GUARDED_H
#define FENCEPOST_GUARDED_H

#include <stddef.h>

/* `bytes` of zeros that end where a page without any access begins. */
void *guarded(size_t bytes);

/* An address of that page: nothing can be read or written there. */
void *unreachable(void);

/* A copy of `bytes` (at most a page) at `from` that can be read and not written. */
void *read_only(const void *from, size_t bytes);

#endif
