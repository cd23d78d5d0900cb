// SPDX-License-Identifier: MIT
/* MAP_PRIVATE, which heaps refuse, or allow by an accident of remap_pfn_range(). */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "heap.h"
#include "ktap.h"
#include "pages.h"
#include "smaps.h"

#define RW (PROT_READ | PROT_WRITE)

static void expect_refused(size_t pages)
{
	int buffer = heap_buffer(pages * page_size());

	EXPECT_ERRNO(map_raw(NULL, buffer, pages * page_size(), RW, MAP_PRIVATE, 0), EINVAL);
	EXPECT_ERRNO(map_raw(NULL, buffer, pages * page_size(), PROT_READ, MAP_PRIVATE, 0), EINVAL);
}

CASE(cma, "mmap.private.cma", CATALOGUE("MMAP-06"), CLASS(IMPL),
     STATEMENT("MAP_PRIVATE of a CMA heap's buffer is EINVAL."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap()"), NEEDS("heap:cma dma-heap"))
{
	expect_refused(1);
	expect_refused(20);
}

CASE(vendor, "mmap.private.vendor", CATALOGUE("MMAP-06"), CLASS(ABI),
     STATEMENT("MAP_PRIVATE of a vendor heap's buffer of several pages is EINVAL: no device would "
	       "see what is written."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap(); mm/memory.c: remap_pfn_range()"),
     NEEDS("heap:vendor"))
{
	/* Where a single page is mapped as a frame, it can be mapped private by the accident of
	 * mmap.private.one-page. */
	expect_refused(2);
	expect_refused(CHUNKED_PAGES);
}

CASE(system_5_10, "mmap.private.system-5.10", CATALOGUE("MMAP-06"), CLASS(IMPL),
     STATEMENT("MAP_PRIVATE of a system heap's buffer is EINVAL."),
     SOURCE("drivers/dma-buf/heaps/heap-helpers.c: dma_heap_mmap()"), UNTIL("5.10"),
     NEEDS("heap:system"))
{
	expect_refused(1);
	expect_refused(20);
}

/* Is this physical address memory, as /proc/iomem has it? */
static bool in_memory(uint64_t address)
{
	FILE *iomem = fopen("/proc/iomem", "re");
	unsigned long long start, end;
	bool found = false;
	char line[256];

	EXPECT_TRUE(iomem != NULL);
	while (!found && fgets(line, sizeof(line), iomem))
		found = sscanf(line, "%llx-%llx : System RAM", &start, &end) == 2 &&
			strstr(line, ": System RAM") && start <= address && address <= end;
	fclose(iomem);
	return found;
}

static char *map_private(int buffer, struct mapping *mapping)
{
	char *at = (char *)MUST(map_raw(NULL, buffer, page_size(), RW, MAP_PRIVATE, 0));

	mapping_read(at, mapping);
	return at;
}

CASE(one_page, "mmap.private.one-page", CATALOGUE("MMAP-07"), CLASS(QUIRK),
     STATEMENT("MAP_PRIVATE of a one-page buffer is a private copy, and /proc/self/maps shows its "
	       "frame as the offset."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); mm/memory.c: "
	    "remap_pfn_range()"),
     SINCE("6.1"), NEEDS("heap:system root"))
{
	int buffer = heap_buffer(page_size()), other = heap_buffer(page_size());
	struct mapping first, second, others;
	char *shared = map_pages(buffer, 0, 1), *private;

	mark_pages(shared, 0, 1, 0x61);
	private = map_private(buffer, &first);
	map_private(buffer, &second);
	map_private(other, &others);
	/* A frame: there is memory, and it is the buffer's and no other's. */
	EXPECT_TRUE(in_memory(first.offset));
	EXPECT_EQ(first.offset, second.offset);
	EXPECT_TRUE(first.offset != others.offset);
	EXPECT_PAGES(private, 0, 1, 0x61);
	mark_pages(private, 0, 1, 0x62);
	EXPECT_PAGES(shared, 0, 1, 0x61);
	EXPECT_PAGES(private, 0, 1, 0x62);
}

CASE(two_chunks, "mmap.private.two-chunks", CATALOGUE("MMAP-07"), CLASS(QUIRK),
     STATEMENT("MAP_PRIVATE that covers more than one chunk of a buffer is EINVAL."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); mm/memory.c: "
	    "remap_pfn_range()"),
     SINCE("6.1"), NEEDS("heap:system"))
{
	/* Too few for an order-4 chunk, so single pages; and a chunk of each size. */
	expect_refused(2);
	expect_refused(CHUNKED_PAGES);
}

CASE(one_chunk, "mmap.private.one-chunk", CATALOGUE("MMAP-07"), CLASS(QUIRK),
     STATEMENT("MAP_PRIVATE of several pages of one chunk works where a chunk is mapped at once, "
	       "and is EINVAL elsewhere."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); mm/memory.c: "
	    "remap_pfn_range()"),
     SINCE("6.1"), NEEDS("heap:system"), EXPECTED({"6.1", "6.12", EINVAL}, {"7.2", NULL, 0}))
{
	enum { ONE_CHUNK = 16 };
	long at = map_raw(NULL, heap_buffer(ONE_CHUNK * page_size()), ONE_CHUNK * page_size(), RW,
			  MAP_PRIVATE, 0);

	EXPECT_EQ(at == -1 ? errno : 0, fp_expected());
}

CASE(ion, "mmap.private.ion", CATALOGUE("MMAP-07"), CLASS(QUIRK),
     STATEMENT("MAP_PRIVATE of an ION buffer is EINVAL, but for one of a single page: that is a "
	       "private copy."),
     SOURCE("drivers/staging/android/ion/ion_heap.c: ion_heap_map_user(); mm/memory.c: "
	    "remap_pfn_range()"),
     UNTIL("5.10"), NEEDS("heap:ion"))
{
	int buffer = heap_buffer(page_size());
	char *shared = map_pages(buffer, 0, 1), *private;

	expect_refused(2);
	expect_refused(CHUNKED_PAGES);
	mark_pages(shared, 0, 1, 0x61);
	private = (char *)MUST(map_raw(NULL, buffer, page_size(), RW, MAP_PRIVATE, 0));
	EXPECT_PAGES(private, 0, 1, 0x61);
	mark_pages(private, 0, 1, 0x62);
	EXPECT_PAGES(shared, 0, 1, 0x61);
	EXPECT_PAGES(private, 0, 1, 0x62);
}
