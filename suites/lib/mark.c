// SPDX-License-Identifier: MIT
#include <stdint.h>

#include "ktap.h"
#include "mark.h"

#define WORDS 8

void mark_check(const char *file, int line, const char *expression, const void *at, size_t bytes,
		unsigned char mark)
{
	const uint64_t expected = 0x0101010101010101u * mark;
	const volatile uint64_t *words = at;
	const volatile unsigned char *found = at;
	size_t offset = 0;

	for (; offset < bytes; offset += WORDS * sizeof(*words), words += WORDS) {
		uint64_t difference = 0;

		for (int i = 0; i < WORDS; i++)
			difference |= words[i] ^ expected;
		if (difference)
			break;
	}
	for (; offset < bytes; offset++)
		if (found[offset] != mark)
			fp_failf(file, line, expression, "one byte all over",
				 "%#x and not %#x at byte %zu of %zu", found[offset], mark, offset,
				 bytes);
}
