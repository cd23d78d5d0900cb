/* SPDX-License-Identifier: MIT */
/* mark.h - is memory full of one byte? Looked at in words: guests are slow. */
#ifndef FENCEPOST_MARK_H
#define FENCEPOST_MARK_H

#include <stddef.h>

/* The case fails, and says where, when one of `bytes` bytes at `at` (both multiples of 64) is not
 * `mark`. */
#define EXPECT_MARK(at, bytes, mark) mark_check(__FILE__, __LINE__, #at, (at), (bytes), (mark))
void mark_check(const char *file, int line, const char *expression, const void *at, size_t bytes,
		unsigned char mark);

#endif
