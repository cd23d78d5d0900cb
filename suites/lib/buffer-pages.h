/* SPDX-License-Identifier: MIT */
/* buffer-pages.h - where a buffer's memory is. Needs "device" and "vmap". */
#ifndef FENCEPOST_BUFFER_PAGES_H
#define FENCEPOST_BUFFER_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* The physical addresses of the buffer's pages, in order; to be freed. */
uint64_t *buffer_pages(int buffer, size_t bytes);

#endif
