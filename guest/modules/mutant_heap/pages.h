/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Where a buffer's pages come from, and go to. */
#ifndef MUTANT_HEAP_PAGES_H
#define MUTANT_HEAP_PAGES_H

#include "buffer.h"

/*
 * block.c: all of a buffer at once. Each take_ function leaves what it got in pages and page_count,
 * and returns 0 or an error.
 */
int blocks_prepare(void);
int take_block(struct heap_buffer *buffer, size_t page_count);
void return_block(struct heap_buffer *buffer);

/* single.c: page by page. */
int take_pages(struct heap_buffer *buffer, size_t page_count);
void return_pages(struct heap_buffer *buffer);
/* Does the heap clear its pages, since nobody else has? */
bool clears_itself(void);

#endif
