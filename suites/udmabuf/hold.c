// SPDX-License-Identifier: MIT
/* What a udmabuf holds on to while it lives, and lets go of when it ends. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <unistd.h>

#include "udmabuf-node.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"
#include "pages.h"

#define PINS                                                                                       \
	SOURCE("mm/memfd.c: memfd_wait_for_pins(); drivers/dma-buf/udmabuf.c: udmabuf_create()"),  \
		NEEDS("udmabuf")

CASE(seal_write, "udmabuf.hold.seal-write", CATALOGUE("UDB-06"), CLASS(ABI),
     STATEMENT("A memfd whose pages are in a udmabuf cannot be sealed against writing: EBUSY; once "
	       "it is closed it can."),
     PINS)
{
	size_t page = page_size();
	int memfd = memfd_for_udmabuf(4 * page), device = udmabuf_open();
	/* One page in the middle is enough. */
	int buffer = MUST(udmabuf_create(device, memfd, 2 * page, page, 0));

	EXPECT_ERRNO(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	EXPECT_EQ(MUST(fcntl(memfd, F_GET_SEALS)), F_SEAL_SHRINK);
	MUST(close(buffer));
	EXPECT_UNPINNED(memfd);
	EXPECT_EQ(MUST(fcntl(memfd, F_GET_SEALS)), F_SEAL_SHRINK | F_SEAL_WRITE);
}

CASE(seal_mapped, "udmabuf.hold.seal-write-mapped", CATALOGUE("UDB-06"), CLASS(ABI),
     STATEMENT("A mapping that outlives the buffer's descriptor keeps its memfd from being sealed "
	       "against writing, too."),
     PINS)
{
	int memfd = memfd_for_udmabuf(2 * page_size());
	int buffer = udmabuf_of(memfd, 2 * page_size());
	char *at = map_pages(buffer, 0, 2);

	mark_pages(at, 0, 1, 0x31);
	MUST(close(buffer));
	EXPECT_ERRNO(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	mark_pages(at, 0, 2, 0x32);
	unmap_pages(at, 2);
	EXPECT_UNPINNED(memfd);
	at = (char *)MUST(map_raw(NULL, memfd, 2 * page_size(), PROT_READ, MAP_PRIVATE, 0));
	EXPECT_PAGES(at, 0, 2, 0x32);
}

CASE(seal_repeated, "udmabuf.hold.seal-write-repeated", CATALOGUE("UDB-06"), CLASS(ABI),
     STATEMENT("Pages that are in several buffers, or in one several times, are held until the "
	       "last of these ends."),
     PINS)
{
	size_t page = page_size();
	int memfd = memfd_for_udmabuf(2 * page), device = udmabuf_open();
	struct udmabuf_create_item items[3] = {
		{.memfd = (uint32_t)memfd, .size = 2 * page},
		{.memfd = (uint32_t)memfd, .offset = page, .size = page},
		{.memfd = (uint32_t)memfd, .size = page}};
	int list = MUST(udmabuf_create_list(device, items, 3, 0));
	int single = MUST(udmabuf_create(device, memfd, page, page, 0));

	MUST(close(list));
	EXPECT_ERRNO(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	MUST(close(single));
	EXPECT_UNPINNED(memfd);
}

/* The file loses all its pages. */
static void punch(int memfd, size_t bytes)
{
	MUST(fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes));
}

CASE(hole, "udmabuf.hold.punched", CATALOGUE("UDB-13"), CLASS(ABI),
     STATEMENT("A hole punched into the memfd leaves the buffer its pages and their data; the "
	       "memfd gets new ones, of zeros."),
     SOURCE("mm/shmem.c: shmem_fallocate(); drivers/dma-buf/udmabuf.c: udmabuf_create(), which "
	    "holds the pages"),
     NEEDS("udmabuf"))
{
	enum { PAGES = 6 };
	size_t bytes = PAGES * page_size();
	int memfd = memfd_for_udmabuf(bytes), buffer = udmabuf_of(memfd, bytes);
	char *file = map_pages(memfd, 0, PAGES), *ours, *other;

	mark_pages(file, 0, PAGES, 0x33);
	punch(memfd, bytes);
	other = MUST(
		mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memset(other, 0xee, 4 * MIB);
	ours = map_pages(buffer, 0, PAGES);
	EXPECT_PAGES(ours, 0, PAGES, 0x33);
	for (size_t i = 0; i < bytes; i++)
		if (file[i])
			fp_failf(__FILE__, __LINE__, "the memfd after the hole", "zeros",
				 "%#x at %zu", file[i], i);
	mark_pages(ours, 0, PAGES, 0x34);
	mark_pages(file, 0, PAGES, 0x35);
	EXPECT_PAGES(ours, 0, PAGES, 0x34);
	EXPECT_PAGES(file, 0, PAGES, 0x35);
	for (size_t i = 0; i < 4 * MIB; i++)
		EXPECT_TRUE(other[i] == (char)0xee);
}

CASE(hole_mapped, "udmabuf.hold.punched-mapped", CATALOGUE("UDB-13"), CLASS(ABI),
     STATEMENT("The same while the buffer is mapped and touched: the mapping keeps its pages, and "
	       "the kernel has nothing to report."),
     SOURCE("mm/truncate.c: truncate_cleanup_folio(); drivers/dma-buf/udmabuf.c: "
	    "udmabuf_vm_fault()"),
     NEEDS("udmabuf"))
{
	enum { PAGES = 6 };
	size_t bytes = PAGES * page_size();
	int memfd = memfd_for_udmabuf(bytes), buffer = udmabuf_of(memfd, bytes);
	char *file = map_pages(memfd, 0, PAGES), *ours = map_pages(buffer, 0, PAGES);

	mark_pages(ours, 0, PAGES, 0x36);
	EXPECT_PAGES(file, 0, PAGES, 0x36);
	punch(memfd, bytes);
	EXPECT_PAGES(ours, 0, PAGES, 0x36);
	mark_pages(file, 0, PAGES, 0x37);
	EXPECT_PAGES(ours, 0, PAGES, 0x36);
	EXPECT_PAGES(map_pages(buffer, 0, PAGES), 0, PAGES, 0x36);
	unmap_pages(ours, PAGES);
	EXPECT_PAGES(file, 0, PAGES, 0x37);
}

CASE(memory_back, "udmabuf.hold.memory-back", CATALOGUE("UDB-13"), CLASS(ABI),
     STATEMENT("All memory comes back when buffer and memfd are closed, be the memfd closed, or "
	       "punched, long before."),
     SOURCE("drivers/dma-buf/udmabuf.c: release_udmabuf()"), NEEDS("udmabuf"))
{
	const size_t bytes = MIN(16 * MIB, udmabuf_size_limit_bytes());
	uint64_t before;
	int memfd, buffer;

	heap_require(bytes);
	before = heap_free_bytes();
	memfd = memfd_for_udmabuf(bytes);
	buffer = udmabuf_of(memfd, bytes);
	MUST(close(memfd));
	/* Nobody but the buffer has these pages now. */
	EXPECT_TRUE(heap_free_bytes() < before - bytes / 2);
	MUST(close(buffer));
	EXPECT_MEMORY_BACK(before);

	memfd = memfd_for_udmabuf(bytes);
	buffer = udmabuf_of(memfd, bytes);
	punch(memfd, bytes);
	EXPECT_TRUE(heap_free_bytes() < before - bytes / 2);
	MUST(close(buffer));
	EXPECT_MEMORY_BACK(before);
	MUST(close(memfd));
	EXPECT_MEMORY_BACK(before);
}
