// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heap.h"
#include "ktap.h"
#include "pages.h"

long map_raw(void *address, int fd, size_t bytes, int prot, int flags, uint64_t offset)
{
#ifdef SYS_mmap2
	/* A 32-bit program counts in units of 4096 bytes, whatever a page has. */
	return syscall(SYS_mmap2, address, bytes, prot, flags, fd, (unsigned long)(offset / 4096));
#else
	return syscall(SYS_mmap, address, bytes, prot, flags, fd, offset);
#endif
}

char *map_pages(int fd, size_t first, size_t pages)
{
	return (char *)MUST(map_raw(NULL, fd, pages * page_size(), PROT_READ | PROT_WRITE,
				    MAP_SHARED, first * page_size()));
}

void unmap_pages(void *at, size_t pages)
{
	MUST(munmap(at, pages * page_size()));
}

char *reserve_pages(size_t pages)
{
	return MUST(mmap(NULL, pages * page_size(), PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/* The two words of a page that carry its mark; the last is inverted, so that no shift of the page
 * looks right. */
static volatile uint64_t *word(const void *at, size_t page, bool last)
{
	return (volatile uint64_t *)((char *)at + page * page_size() +
				     (last ? page_size() - sizeof(uint64_t) : 0));
}

static uint64_t mark_of(size_t page, uint32_t mark)
{
	return (uint64_t)mark << 32 | (uint32_t)page;
}

void mark_pages(void *at, size_t first, size_t pages, uint32_t mark)
{
	for (size_t page = 0; page < pages; page++) {
		*word(at, page, false) = mark_of(first + page, mark);
		*word(at, page, true) = ~mark_of(first + page, mark);
	}
}

void check_pages(const char *file, int line, const char *expression, const void *at, size_t first,
		 size_t pages, uint32_t mark)
{
	char expected[80];

	for (size_t page = 0; page < pages; page++) {
		uint64_t start = *word(at, page, false), end = *word(at, page, true);

		if (start == mark_of(first + page, mark) && end == ~start)
			continue;
		snprintf(expected, sizeof(expected), "page %zu of %zu: page %zu, mark 0x%x", page,
			 pages, first + page, mark);
		fp_failf(file, line, expression, expected,
			 "page %u, mark 0x%x; at its end page %u, mark 0x%x", (uint32_t)start,
			 (uint32_t)(start >> 32), (uint32_t)~end, (uint32_t)(~end >> 32));
	}
}

/* A pipe copies from and to memory, and says EFAULT where a load or store would be a signal. */
bool readable(const void *at)
{
	bool read;
	int ends[2];

	MUST(pipe2(ends, O_CLOEXEC));
	read = write(ends[1], at, 1) == 1;
	if (!read)
		EXPECT_EQ(errno, EFAULT);
	close(ends[0]);
	close(ends[1]);
	return read;
}

bool writable(void *at)
{
	bool written = false;
	int ends[2];

	MUST(pipe2(ends, O_CLOEXEC));
	if (write(ends[1], at, 1) == 1 || write(ends[1], "", 1) == 1)
		written = read(ends[0], at, 1) == 1;
	if (!written)
		EXPECT_EQ(errno, EFAULT);
	close(ends[0]);
	close(ends[1]);
	return written;
}
