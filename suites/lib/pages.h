/* SPDX-License-Identifier: MIT */
/* pages.h - pages of a buffer that can be told apart, and memory that may not be there. */
#ifndef FENCEPOST_PAGES_H
#define FENCEPOST_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A buffer of these many pages has chunks of 256, 16 and 1 pages when it comes from the system heap
 * and memory is not fragmented (drivers/dma-buf/heaps/system_heap.c: orders[]).
 */
#define CHUNKED_PAGES 275

/*
 * The mmap system call itself, address or -1: the C library's function looks at offset and length
 * on its own, and would answer for the kernel.
 */
long map_raw(void *address, int fd, size_t bytes, int prot, int flags, uint64_t offset);

/* Maps `pages` pages of `fd` from page `first` on, shared, for reading and writing; the case fails
 * when it cannot. */
char *map_pages(int fd, size_t first, size_t pages);
void unmap_pages(void *at, size_t pages);

/* `pages` pages of address space that nobody uses and that cannot be touched. */
char *reserve_pages(size_t pages);

/* Writes into both ends of each page at `at` that it is page `first`, `first` + 1 ... of the buffer
 * marked `mark`. */
void mark_pages(void *at, size_t first, size_t pages, uint32_t mark);
/* The case fails unless the pages at `at` carry these marks. */
#define EXPECT_PAGES(at, first, pages, mark)                                                       \
	check_pages(__FILE__, __LINE__, #at, (at), (first), (pages), (mark))
void check_pages(const char *file, int line, const char *expression, const void *at, size_t first,
		 size_t pages, uint32_t mark);

/* Can the byte at `at` be read, or written? Finds out without a signal; writing puts back what was
 * read. */
bool readable(const void *at);
bool writable(void *at);

#endif
