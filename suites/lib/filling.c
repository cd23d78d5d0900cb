// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "filling.h"
#include "ktap.h"

static unsigned char byte_at(size_t place, uint32_t seed)
{
	uint64_t mixed = (uint64_t)(place + 1) * UINT64_C(0x9e3779b97f4a7c15) +
			 seed * UINT64_C(0xc2b2ae3d27d4eb4f);

	return seed ? (unsigned char)(mixed >> 56) : 0;
}

void fill(void *at, size_t offset, size_t bytes, uint32_t seed)
{
	unsigned char *to = at;

	for (size_t i = 0; i < bytes; i++)
		to[i] = byte_at(offset + i, seed);
}

void check_filled(const char *file, int line, const char *expression, const void *at, size_t offset,
		  size_t bytes, uint32_t seed)
{
	const unsigned char *found = at;
	char expected[64];

	for (size_t i = 0; i < bytes; i++) {
		unsigned char wanted = byte_at(offset + i, seed);

		if (found[i] == wanted)
			continue;
		snprintf(expected, sizeof(expected), "0x%02x at byte %zu of %zu", wanted,
			 offset + i, offset + bytes);
		fp_failf(file, line, expression, expected, "0x%02x", found[i]);
	}
}
