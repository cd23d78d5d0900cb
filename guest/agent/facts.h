/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_FACTS_H
#define FENCEPOST_FACTS_H

#include <stddef.h>
#include <stdint.h>

/* Most bytes of facts: they must have room beside everything else in an answer. */
#define FACTS_BYTES (16 * 1024)

/*
 * What this guest is, as "key=value" lines ended by NUL (docs/protocol.md), and `more`, lines of
 * the same form. Returns their length. Lines that find no room in FACTS_BYTES are left out.
 */
size_t facts_gather(char *facts, const char *more, size_t more_length);

#endif
