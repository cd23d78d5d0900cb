// SPDX-License-Identifier: MIT
/* udmabufs of huge pages. Each case uses four of them at most. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptors.h"
#include "udmabuf-node.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "pages.h"

#define HUGE NEEDS("udmabuf hugepages")
#define PIN                                                                                        \
	SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create(); mm/gup.c: memfd_pin_folios()"), HUGE

CASE(refused, "udmabuf.huge.refused", CATALOGUE("UDB-14"), CLASS(IMPL),
     STATEMENT("A memfd of huge pages is no memfd to the udmabuf of 5.10: EBADFD."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create()"), UNTIL("5.10"), HUGE)
{
	int memfd = memfd_huge(1), device = udmabuf_open();

	memfd_fill(memfd, 1, 1);
	EXPECT_ERRNO(udmabuf_create(device, memfd, 0, huge_page_size(), 0), EBADFD);
}

CASE(there, "udmabuf.huge.there", CATALOGUE("UDB-14"), CLASS(ABI),
     STATEMENT("Of a memfd whose huge pages are there a udmabuf is made that shows them, byte for "
	       "byte, and the other way round."),
     SINCE("6.1"), PIN)
{
	size_t bytes = 2 * huge_page_size(), pages = bytes / page_size();
	int memfd = memfd_huge(2);
	char *file = memfd_fill(memfd, 2, 0x5a), *ours;
	int buffer = udmabuf_of(memfd, bytes);

	EXPECT_EQ(buffer_size(buffer), bytes);
	ours = map_pages(buffer, 0, pages);
	EXPECT_EQ(memcmp(ours, file, bytes), 0);
	mark_pages(file, 0, pages, 0x41);
	EXPECT_PAGES(ours, 0, pages, 0x41);
	mark_pages(ours, 0, pages, 0x42);
	EXPECT_PAGES(file, 0, pages, 0x42);
	EXPECT_EQ(memcmp(ours, file, bytes), 0);
}

CASE(not_there, "udmabuf.huge.not-there", CATALOGUE("UDB-14"), CLASS(IMPL),
     STATEMENT(
	     "Huge pages that are reserved and not there yet: EINVAL from 6.1, made by the udmabuf "
	     "since 6.12."),
     SINCE("6.1"), EXPECTED({.until = "6.1", .value = EINVAL}, {.since = "6.12", .value = 0}), PIN)
{
	size_t bytes = 2 * huge_page_size();
	int memfd = memfd_huge(2), device = udmabuf_open(), fd;
	char *file = memfd_reserve(memfd, 2), *ours;

	/* The first page is there, the second is not. */
	memset(file, 0x5b, page_size());
	fd = udmabuf_create(device, memfd, 0, bytes, 0);
	if (fp_expected()) {
		EXPECT_EQ(fd, -1);
		EXPECT_EQ(errno, fp_expected());
		/* The first must not be held on to. */
		buffer_unmap(file, bytes);
		EXPECT_UNPINNED(memfd);
		return;
	}
	ours = buffer_map(MUST(fd), bytes);
	file[bytes - 1] = 0x5c;
	EXPECT_EQ(ours[bytes - 1], 0x5c);
	EXPECT_EQ(memcmp(ours, file, bytes), 0);
}

CASE(part, "udmabuf.huge.part", CATALOGUE("UDB-15"), CLASS(ABI),
     STATEMENT("A range may begin and end anywhere inside a huge page, and shows just its bytes."),
     SINCE("6.1"), PIN)
{
	size_t huge = huge_page_size(), page = page_size(), in_huge = huge / page;
	const struct {
		size_t first, pages;
	} ranges[] = {
		{0, 1},
		{1, 1},
		{in_huge - 1, 1},
		{in_huge - 1, 2},
		{in_huge, 1},
		{in_huge / 2, in_huge},
		{1, 2 * in_huge - 2},
		{2 * in_huge - 1, 1},
	};
	int memfd = memfd_huge(2), device = udmabuf_open();

	mark_pages(memfd_reserve(memfd, 2), 0, 2 * in_huge, 0x43);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		size_t first = ranges[i].first, pages = ranges[i].pages;
		int fd;
		char *at;

		fp_context("%zu pages from page %zu", pages, first);
		fd = MUST(udmabuf_create(device, memfd, first * page, pages * page, 0));
		EXPECT_EQ(buffer_size(fd), pages * page);
		at = map_pages(fd, 0, pages);
		EXPECT_PAGES(at, first, pages, 0x43);
		unmap_pages(at, pages);
		MUST(close(fd));
	}
}

CASE(list, "udmabuf.huge.list", CATALOGUE("UDB-15"), CLASS(ABI),
     STATEMENT("Huge and ordinary pages make one buffer, in the list's order."), SINCE("6.1"), PIN)
{
	size_t huge = huge_page_size(), page = page_size(), in_huge = huge / page;
	int large = memfd_huge(2), small = memfd_for_udmabuf(4 * page), device = udmabuf_open();
	struct udmabuf_create_item items[4] = {
		{.memfd = (uint32_t)large, .offset = huge - 2 * page, .size = 4 * page},
		{.memfd = (uint32_t)small, .offset = page, .size = 2 * page},
		{.memfd = (uint32_t)large, .offset = page, .size = page},
		{.memfd = (uint32_t)large, .offset = huge, .size = huge}};
	char *at;

	mark_pages(memfd_reserve(large, 2), 0, 2 * in_huge, 0x44);
	mark_pages(map_pages(small, 0, 4), 0, 4, 0x45);
	at = map_pages(MUST(udmabuf_create_list(device, items, 4, 0)), 0, 7 + in_huge);
	EXPECT_PAGES(at, in_huge - 2, 4, 0x44);
	EXPECT_PAGES(at + 4 * page, 1, 2, 0x45);
	EXPECT_PAGES(at + 6 * page, 1, 1, 0x44);
	EXPECT_PAGES(at + 7 * page, in_huge, in_huge, 0x44);
}

CASE(beyond, "udmabuf.huge.beyond-end", CATALOGUE("UDB-09"), CLASS(ABI),
     STATEMENT("A range that is not wholly inside a memfd of huge pages is EINVAL, and holds no "
	       "page."),
     SINCE("6.1"), PIN)
{
	size_t huge = huge_page_size(), page = page_size();
	int memfd = memfd_huge(1), device = udmabuf_open();

	buffer_unmap(memfd_fill(memfd, 1, 1), huge);
	EXPECT_ERRNO(udmabuf_create(device, memfd, huge, page, 0), EINVAL);
	EXPECT_ERRNO(udmabuf_create(device, memfd, huge - page, 2 * page, 0), EINVAL);
	EXPECT_ERRNO(udmabuf_create(device, memfd, 0, 2 * huge, 0), EINVAL);
	EXPECT_ERRNO(udmabuf_create(device, memfd, page + 1, page, 0), EINVAL);
	EXPECT_UNPINNED(memfd);
}

CASE(seal, "udmabuf.huge.seal-write", CATALOGUE("UDB-06"), CLASS(ABI),
     STATEMENT("A memfd of huge pages cannot be sealed against writing while a udmabuf holds part "
	       "of one: EBUSY."),
     SINCE("6.1"), SOURCE("mm/memfd.c: memfd_wait_for_pins()"), HUGE)
{
	int memfd = memfd_huge(2), device = udmabuf_open(), fd;

	buffer_unmap(memfd_fill(memfd, 2, 1), 2 * huge_page_size());
	fd = MUST(udmabuf_create(device, memfd, huge_page_size() + page_size(), page_size(), 0));
	EXPECT_ERRNO(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	MUST(close(fd));
	EXPECT_UNPINNED(memfd);
}

CASE(back, "udmabuf.huge.pages-back", CATALOGUE("UDB-13"), CLASS(ABI),
     STATEMENT(
	     "Huge pages stay the buffer's when the memfd is closed, and go back to the pool, all "
	     "of them, with the buffer."),
     SINCE("6.1"), SOURCE("drivers/dma-buf/udmabuf.c: release_udmabuf()"), HUGE)
{
	size_t bytes = 2 * huge_page_size(), pages = bytes / page_size();
	struct huge_pool before = huge_pool();
	int memfd = memfd_huge(2), buffer;
	char *ours;

	buffer_unmap(memfd_fill(memfd, 2, 0x5d), bytes);
	buffer = udmabuf_of(memfd, bytes);
	ours = map_pages(buffer, 0, pages);
	mark_pages(ours, 0, pages, 0x46);
	MUST(close(memfd));
	EXPECT_EQ(huge_pool().free, before.free - 2);
	EXPECT_PAGES(ours, 0, pages, 0x46);
	unmap_pages(ours, pages);
	MUST(close(buffer));
	EXPECT_POOL(before);
}

CASE(back_made, "udmabuf.huge.made-pages-back", CATALOGUE("UDB-14"), CLASS(ABI),
     STATEMENT("Huge pages that the udmabuf made, of a memfd that reserved them, go back to the "
	       "pool with buffer and memfd."),
     SINCE("6.12"), SOURCE("mm/memfd.c: memfd_alloc_folio()"), HUGE)
{
	size_t bytes = 2 * huge_page_size();
	struct huge_pool before = huge_pool();
	int memfd = memfd_huge(2), buffer;
	char *file = memfd_reserve(memfd, 2);

	EXPECT_EQ(huge_pool().reserved, before.reserved + 2);
	buffer = udmabuf_of(memfd, bytes);
	EXPECT_EQ(huge_pool().reserved, before.reserved);
	EXPECT_EQ(huge_pool().free, before.free - 2);
	buffer_unmap(file, bytes);
	MUST(close(memfd));
	MUST(close(buffer));
	EXPECT_POOL(before);
}

CASE(unreserved, "udmabuf.huge.unreserved", CATALOGUE("UDB-14"), CLASS(ABI),
     STATEMENT("Huge pages that nobody reserved are made as well; the pool's count of reserved "
	       "pages stays what it was."),
     SINCE("6.12"),
     SOURCE("mm/memfd.c: memfd_alloc_folio(); mm/hugetlb.c: "
	    "alloc_hugetlb_folio_reserve()"),
     HUGE)
{
	size_t bytes = 2 * huge_page_size();
	int theirs = memfd_huge(2), memfd = memfd_huge(2), buffer;
	struct huge_pool before;

	/* So that the count is not 0: to take from that is a BUG() where debugging is on. */
	memfd_reserve(theirs, 2);
	before = huge_pool();
	buffer = udmabuf_of(memfd, bytes);
	EXPECT_EQ(huge_pool().reserved, before.reserved);
	EXPECT_EQ(huge_pool().free, before.free - 2);
	MUST(close(buffer));
	MUST(close(memfd));
	EXPECT_POOL(before);
}

CASE(exhausted, "udmabuf.huge.exhausted", CATALOGUE("UDB-14"), CLASS(ABI),
     STATEMENT("When all free huge pages are reserved by others: ENOMEM; they get their pages, and "
	       "what was taken is let go."),
     SINCE("6.12"), SOURCE("mm/gup.c: memfd_pin_folios(); mm/memfd.c: memfd_alloc_folio()"), HUGE)
{
	size_t huge = huge_page_size();
	struct huge_pool before = huge_pool();
	size_t others = (size_t)(before.free - before.reserved) - 1;
	int theirs = memfd_huge(others), memfd = memfd_huge(2), device = udmabuf_open();
	char *reserved = memfd_reserve(theirs, others);

	/* The one page that is left is in the memfd. */
	buffer_unmap(memfd_fill(memfd, 1, 0x5e), huge);
	EXPECT_ERRNO(udmabuf_create(device, memfd, 0, 2 * huge, 0), ENOMEM);
	EXPECT_UNPINNED(memfd);
	/* No SIGBUS. */
	memset(reserved, 0x5f, others * huge);
	EXPECT_EQ(huge_pool().free, before.free - (long)others - 1);
	MUST(close(memfd));
	EXPECT_EQ(huge_pool().free, before.free - (long)others);
}

CASE(zero, "udmabuf.huge.zero", CATALOGUE("ZERO-08"), CLASS(ABI),
     STATEMENT("Huge pages that the udmabuf makes are zero, whatever was in them before."),
     SINCE("6.12"), SOURCE("mm/memfd.c: memfd_alloc_folio(), folio_zero_user()"), HUGE)
{
	size_t huge = huge_page_size(), bytes = 2 * huge;
	size_t free = (size_t)(huge_pool().free - huge_pool().reserved);
	int dirty = memfd_huge(free), memfd;
	const uint64_t *words;

	/* Every page that may be taken next. */
	buffer_unmap(memfd_fill(dirty, free, 0xa5), free * huge);
	MUST(close(dirty));
	memfd = memfd_huge(2);
	memfd_reserve(memfd, 2);
	words = buffer_map(udmabuf_of(memfd, bytes), bytes);
	for (size_t i = 0; i < bytes / sizeof(words[0]); i++)
		if (words[i])
			fp_failf(__FILE__, __LINE__, "a huge page made by the udmabuf", "zeros",
				 "%#llx at byte %zu", (unsigned long long)words[i],
				 i * sizeof(words[0]));
}

CASE(full_table, "udmabuf.huge.descriptors-full", CATALOGUE("UDB-22"), CLASS(ABI),
     STATEMENT("With the descriptor table full: EMFILE, and the huge pages go back to the pool."),
     SINCE("6.1"), SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create()"), HUGE)
{
	size_t bytes = 2 * huge_page_size();
	struct huge_pool before = huge_pool();
	int device = udmabuf_open(), memfd = memfd_huge(2);
	unsigned long limit;

	buffer_unmap(memfd_fill(memfd, 2, 1), bytes);
	limit = descriptors_forbid();
	EXPECT_ERRNO(udmabuf_create(device, memfd, 0, bytes, 0), EMFILE);
	descriptors_allow(limit);
	EXPECT_UNPINNED(memfd);
	MUST(close(memfd));
	EXPECT_POOL(before);
}
