// SPDX-License-Identifier: MIT
/* Where a CMA heap's buffers lie in memory: in one piece, and aligned to their size. */
#include <stdlib.h>
#include <unistd.h>

#include "buffers.h"
#include "heap.h"
#include "ktap.h"
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
     STATEMENT(
	     "Every buffer of a CMA heap is one run of pages, whatever its size, and one piece to "
	     "a device."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(); "
	    "Documentation/userspace-api/dma-buf-heaps.rst"),
     NEEDS("heap:cma device vmap"))
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

CASE(aligned, "importer.aligned", CATALOGUE("CMA-03"), CLASS(IMPL),
     STATEMENT("A CMA heap's buffer begins at a multiple of its size rounded up to a power of two, "
	       "or of 256 pages where it is larger."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(), CONFIG_CMA_ALIGNMENT"),
     NEEDS("heap:cma device vmap"))
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
