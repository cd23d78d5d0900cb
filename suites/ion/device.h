/* SPDX-License-Identifier: MIT */
/* device.h - what the cases of this suite share. */
#ifndef FENCEPOST_SUITE_ION_DEVICE_H
#define FENCEPOST_SUITE_ION_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "ion.h"

#define ION_SOURCE(functions) SOURCE("drivers/staging/android/ion/ion.c: " functions)
#define ION_CASE	      UNTIL("5.10"), NEEDS("ion")

/* Opens the device; the case fails when it cannot. */
int ion_open(void);
/* All heaps; the case fails when there is none. */
int ion_all_heaps(int ion, struct ion_heap heaps[ION_HEAPS_MAX]);
/* The heap of this name; the case fails when there is none. */
struct ion_heap ion_find(int ion, const char *name);
/* A mask with the bit of the heap of this name. */
uint32_t ion_mask(int ion, const char *name);
/* Ids that no heap has, as a mask. */
uint32_t ion_free_mask(int ion);
/* A number of the heap's folder in debugfs: "num_of_buffers" and such; -1 where there is none. */
long long ion_number(const char *heap, const char *file);
/* The case fails unless the number becomes this within 4 s: the system heap frees with a thread. */
#define EXPECT_ION_NUMBER(heap, file, expected)                                                    \
	ion_check_number(__FILE__, __LINE__, (heap), (file), (expected))
void ion_check_number(const char *file, int line, const char *heap, const char *name,
		      long long expected);
/* Writes a number to such a file. */
void ion_write_number(const char *heap, const char *file, long long number);

#endif
