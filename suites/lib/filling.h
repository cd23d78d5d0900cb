/* SPDX-License-Identifier: MIT */
/* filling.h - bytes that tell where in a buffer they belong, and which writing they come from. */
#ifndef FENCEPOST_FILLING_H
#define FENCEPOST_FILLING_H

#include <stddef.h>
#include <stdint.h>

/* Writes what belongs at bytes `offset` to `offset` + `bytes` of a buffer filled with `seed`; 0
 * stands for zeros. */
void fill(void *at, size_t offset, size_t bytes, uint32_t seed);

/* The case fails, and says at which byte, unless this is there. */
#define EXPECT_FILLED(at, offset, bytes, seed)                                                     \
	check_filled(__FILE__, __LINE__, #at, (at), (offset), (bytes), (seed))
void check_filled(const char *file, int line, const char *expression, const void *at, size_t offset,
		  size_t bytes, uint32_t seed);

#endif
