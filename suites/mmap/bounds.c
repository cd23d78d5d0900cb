// SPDX-License-Identifier: MIT
/* Where a mapping may begin and end. */
#include <string.h>
#include <sys/mman.h>

#include "heap.h"
#include "ktap.h"
#include "pages.h"

#define RW (PROT_READ | PROT_WRITE)

CASE(beyond, "mmap.beyond-end", CATALOGUE("MMAP-03"), CLASS(ABI),
     STATEMENT("A mapping that begins or ends beyond the buffer is EINVAL; one that ends with it "
	       "is not."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_mmap_internal()"), NEEDS("heap"))
{
	static const size_t sizes[] = {1, 4, CHUNKED_PAGES};
	/* Larger than any buffer here, and not than the address space. */
	const size_t far = (size_t)1 << (sizeof(size_t) == 8 ? 33 : 30);
	size_t page = page_size();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t pages = sizes[i], bytes = pages * page;
		int buffer = heap_buffer(bytes);

		/* Too long by one page, by one byte, and by far. */
		EXPECT_ERRNO(map_raw(NULL, buffer, bytes + page, RW, MAP_SHARED, 0), EINVAL);
		EXPECT_ERRNO(map_raw(NULL, buffer, bytes + 1, RW, MAP_SHARED, 0), EINVAL);
		EXPECT_ERRNO(map_raw(NULL, buffer, far, RW, MAP_SHARED, 0), EINVAL);
		/* Begins at the end, after it, and far beyond. */
		EXPECT_ERRNO(map_raw(NULL, buffer, page, RW, MAP_SHARED, bytes), EINVAL);
		EXPECT_ERRNO(map_raw(NULL, buffer, page, RW, MAP_SHARED, bytes + page), EINVAL);
		EXPECT_ERRNO(map_raw(NULL, buffer, page, RW, MAP_SHARED, UINT64_C(1) << 32),
			     EINVAL);
		/* More than a 32-bit program can say. */
		if (sizeof(long) == 8)
			EXPECT_ERRNO(map_raw(NULL, buffer, page, RW, MAP_SHARED, UINT64_C(1) << 62),
				     EINVAL);
		/* Offset and length are good, their sum is not. */
		EXPECT_ERRNO(map_raw(NULL, buffer, bytes, RW, MAP_SHARED, page), EINVAL);
		EXPECT_ERRNO(map_raw(NULL, buffer, 2 * page, RW, MAP_SHARED, bytes - page), EINVAL);
		EXPECT_ERRNO(map_raw(NULL, buffer, page + 1, PROT_READ, MAP_SHARED, bytes - page),
			     EINVAL);

		unmap_pages(map_pages(buffer, 0, pages), pages);
		unmap_pages(map_pages(buffer, pages - 1, 1), 1);
	}
}

CASE(unaligned, "mmap.unaligned-offset", CATALOGUE("MMAP-05"), CLASS(ABI),
     STATEMENT("An offset that is no multiple of the page size is EINVAL."),
     SOURCE("arch/x86/kernel/sys_x86_64.c, arch/arm64/kernel/sys.c: mmap"), NEEDS("heap"))
{
	int buffer;

	if (sizeof(long) == 4)
		fp_skip("needs 64bit: a 32-bit program's offsets are multiples of 4096");
	buffer = heap_buffer(4 * page_size());
	for (size_t bad = 1; bad < page_size(); bad *= 2) {
		EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), RW, MAP_SHARED, bad), EINVAL);
		EXPECT_ERRNO(
			map_raw(NULL, buffer, page_size(), RW, MAP_SHARED, 2 * page_size() - bad),
			EINVAL);
	}
	unmap_pages(map_pages(buffer, 2, 1), 1);
}

CASE(exact, "mmap.exact-length", CATALOGUE("MMAP-12"), CLASS(ABI),
     STATEMENT(
	     "A mapping of a part covers that part alone: the memory around it stays what it was."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap()"),
     NEEDS("heap"))
{
	enum { BUFFER = 40, AROUND = 40, FIRST = 3, PAGES = 2 };
	int buffer = heap_buffer(BUFFER * page_size());
	char *whole = map_pages(buffer, 0, BUFFER);
	char *region, *window;

	mark_pages(whole, 0, BUFFER, 0x31);
	/* Not touched yet: page table entries too many would go unnoticed into used ones' place,
	 * and be seen here. */
	region = MUST(mmap(NULL, (AROUND + PAGES + AROUND) * page_size(), RW,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	window = region + AROUND * page_size();
	EXPECT_EQ(map_raw(window, buffer, PAGES * page_size(), RW, MAP_SHARED | MAP_FIXED,
			  FIRST * page_size()),
		  (long)window);
	EXPECT_PAGES(window, FIRST, PAGES, 0x31);
	for (size_t byte = 0; byte < AROUND * page_size(); byte += page_size() / 4) {
		EXPECT_EQ(region[byte], 0);
		EXPECT_EQ(window[PAGES * page_size() + byte], 0);
	}
	memset(region, 0x77, AROUND * page_size());
	memset(window + PAGES * page_size(), 0x77, AROUND * page_size());
	EXPECT_PAGES(whole, 0, BUFFER, 0x31);
	EXPECT_PAGES(window, FIRST, PAGES, 0x31);
}
