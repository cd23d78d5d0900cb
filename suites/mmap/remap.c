// SPDX-License-Identifier: MIT
/* mremap() and munmap() of a mapping that is there. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "heap.h"
#include "ktap.h"
#include "pages.h"

enum { PAGES = 8 };

/* A buffer of PAGES pages with a mark in each; mapped, marked and unmapped again. */
static int marked_buffer(uint32_t mark)
{
	int buffer = heap_buffer(PAGES * page_size());
	char *at = map_pages(buffer, 0, PAGES);

	mark_pages(at, 0, PAGES, mark);
	unmap_pages(at, PAGES);
	return buffer;
}

static long grow(char *at, size_t from, size_t to, int flags)
{
	return (long)mremap(at, from * page_size(), to * page_size(), flags);
}

/* Maps the last `pages` pages of the buffer where the page that follows is free. */
static char *map_last(int buffer, size_t pages)
{
	char *at = reserve_pages(pages + 1);

	MUST(map_raw(at, buffer, pages * page_size(), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, (PAGES - pages) * page_size()));
	unmap_pages(at + pages * page_size(), 1);
	return at;
}

static void expect_bounded(int buffer, size_t pages, int flags)
{
	char *at = map_last(buffer, pages);
	long grown = grow(at, pages, pages + 1, flags);

	if (grown == -1)
		EXPECT_EQ(errno, EFAULT);
	else
		at = (char *)grown;
	EXPECT_PAGES(at, PAGES - pages, pages, 0x71);
	EXPECT_TRUE(!readable(at + pages * page_size()));
	EXPECT_TRUE(!writable(at + pages * page_size()));
}

CASE(grow_bounded, "mmap.remap.grow-bounded", CATALOGUE("MMAP-11"), CLASS(ABI),
     STATEMENT("Growing a mapping beyond the buffer is refused with EFAULT, or the memory there "
	       "cannot be touched."),
     SOURCE("mm/mremap.c: check_prep_vma(), vma_to_resize(); drivers/dma-buf/heaps/cma_heap.c: "
	    "cma_heap_vm_fault()"),
     NEEDS("heap"))
{
	int buffer = marked_buffer(0x71);

	expect_bounded(buffer, PAGES, 0);
	expect_bounded(buffer, PAGES, MREMAP_MAYMOVE);
	expect_bounded(buffer, 2, 0);
	expect_bounded(buffer, 2, MREMAP_MAYMOVE);
}

static void expect_no_growth(void)
{
	int buffer = marked_buffer(0x72);
	char *part;

	EXPECT_ERRNO(grow(map_last(buffer, PAGES), PAGES, PAGES + 1, 0), EFAULT);
	EXPECT_ERRNO(grow(map_last(buffer, PAGES), PAGES, 2 * PAGES, MREMAP_MAYMOVE), EFAULT);
	/* Growth inside the buffer is growth, too. */
	part = map_pages(buffer, 0, 2);
	EXPECT_ERRNO(grow(part, 2, 3, MREMAP_MAYMOVE), EFAULT);
	EXPECT_PAGES(part, 0, 2, 0x72);
}

CASE(grow_system, "mmap.remap.grow-system", CATALOGUE("MMAP-11"), CLASS(IMPL),
     STATEMENT("A system heap's mapping cannot be grown: EFAULT."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(), which marks it VM_PFNMAP and "
	    "VM_DONTEXPAND"),
     SINCE("6.1"), NEEDS("heap:system"))
{
	expect_no_growth();
}

CASE(grow_cma, "mmap.remap.grow-cma", CATALOGUE("MMAP-11"), CLASS(IMPL),
     STATEMENT("A CMA heap's mapping cannot be grown: EFAULT."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap(), which marks it VM_PFNMAP and "
	    "VM_DONTEXPAND"),
     SINCE("6.12"), NEEDS("heap:cma"))
{
	expect_no_growth();
}

CASE(move, "mmap.remap.move", CATALOGUE("MMAP-12"), CLASS(ABI),
     STATEMENT("A mapping that is moved, whole or in part, takes its pages along and leaves "
	       "nothing behind."),
     SOURCE("mm/mremap.c: move_vma()"), NEEDS("heap"))
{
	int buffer = marked_buffer(0x73);
	char *from = map_pages(buffer, 1, 6), *to = reserve_pages(6);

	/* Half of the pages have been touched through this mapping when it moves. */
	EXPECT_PAGES(from, 1, 3, 0x73);
	EXPECT_EQ((long)mremap(from, 6 * page_size(), 6 * page_size(),
			       MREMAP_MAYMOVE | MREMAP_FIXED, to),
		  (long)to);
	for (size_t page = 0; page < 6; page++)
		EXPECT_TRUE(!readable(from + page * page_size()));
	EXPECT_PAGES(to, 1, 6, 0x73);
	mark_pages(to, 1, 6, 0x74);

	/* Two pages out of the middle. */
	from = to + 2 * page_size();
	to = reserve_pages(2);
	EXPECT_EQ((long)mremap(from, 2 * page_size(), 2 * page_size(),
			       MREMAP_MAYMOVE | MREMAP_FIXED, to),
		  (long)to);
	EXPECT_PAGES(to, 3, 2, 0x74);
	EXPECT_PAGES(from - 2 * page_size(), 1, 2, 0x74);
	EXPECT_PAGES(from + 2 * page_size(), 5, 2, 0x74);
	EXPECT_TRUE(!readable(from));
	EXPECT_TRUE(!readable(from + page_size()));

	to = map_pages(buffer, 0, PAGES);
	EXPECT_PAGES(to, 0, 1, 0x73);
	EXPECT_PAGES(to + page_size(), 1, 6, 0x74);
	EXPECT_PAGES(to + 7 * page_size(), 7, 1, 0x73);
}

CASE(shrink, "mmap.remap.shrink", CATALOGUE("MMAP-12"), CLASS(ABI),
     STATEMENT("A mapping that is shrunk ends where it was told to; the pages cut off keep their "
	       "data."),
     SOURCE("mm/mremap.c: mremap()"), NEEDS("heap"))
{
	int buffer = marked_buffer(0x75);
	char *at = map_pages(buffer, 0, PAGES);

	EXPECT_EQ((long)mremap(at, PAGES * page_size(), 5 * page_size(), 0), (long)at);
	EXPECT_PAGES(at, 0, 5, 0x75);
	for (size_t page = 5; page < PAGES; page++)
		EXPECT_TRUE(!readable(at + page * page_size()));
	EXPECT_PAGES(map_pages(buffer, 0, PAGES), 0, PAGES, 0x75);
}

CASE(hole, "mmap.partial-unmap", CATALOGUE("MMAP-12"), CLASS(ABI),
     STATEMENT("A mapping with pages unmapped from its middle shows the right pages on both sides "
	       "of the hole."),
     SOURCE("mm/mmap.c: munmap(), which splits the mapping"), NEEDS("heap"))
{
	int buffer = marked_buffer(0x76);
	char *at = map_pages(buffer, 0, PAGES);

	unmap_pages(at + 2 * page_size(), 3);
	EXPECT_PAGES(at, 0, 2, 0x76);
	EXPECT_PAGES(at + 5 * page_size(), 5, 3, 0x76);
	for (size_t page = 2; page < 5; page++)
		EXPECT_TRUE(!readable(at + page * page_size()));
	mark_pages(at + 5 * page_size(), 5, 3, 0x77);
	at = map_pages(buffer, 0, PAGES);
	EXPECT_PAGES(at, 0, 5, 0x76);
	EXPECT_PAGES(at + 5 * page_size(), 5, 3, 0x77);
}
