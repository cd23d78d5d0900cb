/* SPDX-License-Identifier: MIT */
/* others.h - other users of the memory that a buffer has, or had. */
#ifndef FENCEPOST_OTHERS_H
#define FENCEPOST_OTHERS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Others take OTHERS buffers of the subject of this size, fill them, and give them back: what was
 * freed too early is written over, by the heap that clears it or by them.
 */
#define OTHERS 3
void others_fill(size_t bytes, uint32_t seed);

#endif
