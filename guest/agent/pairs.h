/* SPDX-License-Identifier: MIT */
/* "key=value" lines, each ended by NUL: what HELLO and ACCOUNTS carry (docs/protocol.md). */
#ifndef FENCEPOST_PAIRS_H
#define FENCEPOST_PAIRS_H

#include <stddef.h>

struct pairs {
	char *text;
	size_t room, used;
};

/* Adds one line, without its NUL in `format`; leaves it out where there is no room for it. */
void pairs_add(struct pairs *pairs, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number behind "Name:" in the text of /proc/meminfo, 0 where the kernel has no such line. */
unsigned long meminfo_value(const char *meminfo, const char *name);

#endif
