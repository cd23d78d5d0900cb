/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_HEAPS_H
#define FENCEPOST_HEAPS_H

#include <stdbool.h>
#include <stddef.h>

#define HEAPS_MAX 128 /* NUM_HEAP_MINORS, drivers/dma-buf/dma-heap.c */

/* The names in /dev/dma_heap, in order. */
struct heaps {
	size_t count;
	char names[HEAPS_MAX][256];
};

void heaps_list(struct heaps *heaps);

/* Those of ION, which is /dev/ion in kernels up to 5.10: "ion:" and what each is called as a heap.
 */
void heaps_of_ion(struct heaps *heaps);

bool heaps_have(const struct heaps *heaps, const char *name);

#endif
