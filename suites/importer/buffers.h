/* SPDX-License-Identifier: MIT */
/* buffers.h - what lies behind a buffer, and what comes after it. */
#ifndef FENCEPOST_IMPORTER_BUFFERS_H
#define FENCEPOST_IMPORTER_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

/* The physical addresses of the buffer's pages, in order; to be freed. */
uint64_t *buffer_pages(int buffer, size_t bytes);

/* Others take buffers of this size and fill them: what was freed too early is written over. */
void others_fill(size_t bytes, uint32_t seed);

#endif
