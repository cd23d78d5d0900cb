/* SPDX-License-Identifier: MIT */
/* text.h - text that goes into a line of its own without being able to forge another. */
#ifndef FENCEPOST_TEXT_H
#define FENCEPOST_TEXT_H

#include <stddef.h>

/* Copies `from` to `to` with control characters, DEL and backslashes escaped C-style; cut at `size`
 * - 1 bytes. */
void fp_escape(char *to, size_t size, const char *from);

/* The same with the rules of a JSON string; the quotes are the caller's. */
void fp_escape_json(char *to, size_t size, const char *from);

#endif
