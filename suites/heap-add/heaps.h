/* SPDX-License-Identifier: MIT */
/* heaps.h - the heaps that the kernel has, and one more. */
#ifndef FENCEPOST_HEAP_ADD_HEAPS_H
#define FENCEPOST_HEAP_ADD_HEAPS_H

#include <stdint.h>

#define HEAP_CLASS "/sys/class/dma_heap"

/* How many devices the class of heaps has. */
int count_heaps(void);

/* Has a driver add a heap, with FENCEPOST_HEAP_* `flags`: 0, or -1 with errno. */
int heap_add(const char *name, uint32_t flags);

#endif
