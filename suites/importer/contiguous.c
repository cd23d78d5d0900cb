// SPDX-License-Identifier: MIT
/* Where the buffers of a heap of contiguous memory lie: in one piece, and aligned to their size. */
#include <stdlib.h>
#include <unistd.h>

#include "buffer-pages.h"
#include "heap.h"
#include "ktap.h"
#include "memory.h"
#include "played-device.h"

/* CONFIG_CMA_ALIGNMENT, as this project configures it and as it is by default. */
#define LARGEST_ORDER 8

/* The first page's address; the case fails unless the others follow it. */
static uint64_t in_one_piece(int buffer, size_t bytes)
{
	uint64_t *pages = buffer_pages(buffer, bytes), first = pages[0];

	for (size_t i = 1; i < bytes / page_size(); i++)
		EXPECT_EQ(pages[i], first + (uint64_t)i * page_size());
	free(pages);
	return first;
}

CASE(contiguous, "importer.contiguous", CATALOGUE("CMA-02"), CLASS(ABI),
     STATEMENT("Every buffer of a CMA heap, or of another that says so by its name, is one run of "
	       "pages, whatever its size, and one piece to a device."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(); "
	    "Documentation/userspace-api/dma-buf-heaps.rst"),
     NEEDS("heap:contiguous device vmap"))
{
	static const size_t pages[] = {1, 2, 3, 17, 64, 275, 1025};
	int kept[sizeof(pages) / sizeof(pages[0])];

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		size_t bytes = pages[i] * page_size();

		fp_context("%zu pages", pages[i]);
		if (bytes > 16 * MIB) {
			kept[i] = -1;
			continue;
		}
		kept[i] = heap_buffer(bytes);
		in_one_piece(kept[i], bytes);
		if (bytes <= device_room()) {
			struct fencepost_segment *segments;
			uint32_t attachment = device_with(kept[i], FENCEPOST_BIDIRECTIONAL);

			EXPECT_EQ(device_segments(attachment, &segments), 1);
			EXPECT_EQ(segments[0].length, bytes);
			device_unmap(attachment);
			device_detach(attachment);
		}
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i] >= 0)
			MUST(close(kept[i]));
}

/* More than the page allocator has in one piece where pages are of 4 KiB. */
#define BLOCK	   (8 * MIB)
#define BLOCKS_MAX 64

CASE(full, "importer.contiguous-full", CATALOGUE("CMA-02"), CLASS(ABI),
     STATEMENT("A buffer is one run of pages also when there is hardly room for it any more: where "
	       "there is none it is refused, and not put together from what there is."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(); "
	    "Documentation/userspace-api/dma-buf-heaps.rst"),
     NEEDS("heap:contiguous device vmap"))
{
	/* What is taken from outside of the areas is no more than two blocks. */
	const uint64_t most = meminfo_bytes("CmaTotal") / BLOCK + 2;
	const int heap = heap_open(O_RDWR);
	int kept[BLOCKS_MAX];
	size_t count = 0;

	if (most == 2 || most > BLOCKS_MAX)
		fp_skip("needs small-cma: CMA areas of 8 to %llu MiB",
			(unsigned long long)((BLOCKS_MAX - 2) * BLOCK / MIB));
	while (count < most) {
		fp_context("buffer %zu of 8 MiB", count + 1);
		kept[count] = heap_allocate(heap, BLOCK, O_RDWR | O_CLOEXEC, 0);
		if (kept[count] < 0)
			break;
		in_one_piece(kept[count++], BLOCK);
	}
	fp_note("%zu buffers", count);
	while (count)
		MUST(close(kept[--count]));
}

CASE(aligned, "importer.aligned", CATALOGUE("CMA-03"), CLASS(IMPL),
     STATEMENT("A buffer of such a heap begins at a multiple of its size rounded up to a power of "
	       "two, or of 256 pages where it is larger."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(), CONFIG_CMA_ALIGNMENT"),
     NEEDS("heap:contiguous device vmap"))
{
	static const size_t pages[] = {3, 16, 17, 100, 256, 300};

	/* One page before each, so that the next would not be aligned by chance. */
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		int between = heap_buffer(page_size()),
		    buffer = heap_buffer(pages[i] * page_size());
		size_t order = 0;

		while (((size_t)1 << order) < pages[i] && order < LARGEST_ORDER)
			order++;
		fp_context("%zu pages", pages[i]);
		EXPECT_EQ(in_one_piece(buffer, pages[i] * page_size()) % (page_size() << order), 0);
		MUST(close(buffer));
		/* Stays until the case ends. */
		(void)between;
	}
}
