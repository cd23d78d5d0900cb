// SPDX-License-Identifier: MIT
/* Devices that cannot reach all of memory. */
#include <stdlib.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "buffer-pages.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

#define NARROW_SOURCE                                                                              \
	SOURCE("include/linux/dma-buf.h: dma_buf_ops.attach, map_dma_buf; kernel/dma/direct.h: "   \
	       "dma_direct_map_page(), dma_capable()")

/* The lowest physical address of the buffer. */
static uint64_t lowest_page(int buffer, size_t bytes)
{
	uint64_t *pages = buffer_pages(buffer, bytes), lowest = UINT64_MAX;

	for (size_t i = 0; i < bytes / page_size(); i++)
		if (pages[i] < lowest)
			lowest = pages[i];
	free(pages);
	return lowest;
}

/* Maps the buffer for a device whose bus ends at `limit`: 1 when that worked, and well, 0 when it
 * was refused. */
static int try_limit(int buffer, size_t bytes, uint64_t limit, uint32_t seed)
{
	uint32_t device = device_make_limited((struct fencepost_device){.limit = limit}),
		 attachment = device_attach(device, buffer);
	int mapped = device_map(attachment, FENCEPOST_TO_DEVICE) == 0;

	fp_context("a device that reaches 0x%llx", (unsigned long long)limit);
	if (mapped) {
		struct fencepost_segment *segments;
		uint32_t count = device_segments(attachment, &segments);
		unsigned char *copy = malloc(bytes);

		EXPECT_TRUE(copy);
		for (uint32_t i = 0; i < count; i++)
			EXPECT_TRUE(segments[i].address + segments[i].length - 1 <= limit);
		device_read(attachment, 0, copy, bytes);
		EXPECT_FILLED(copy, 0, bytes, seed);
		device_unmap(attachment);
		free(copy);
		free(segments);
	} else {
		/* Refused: an attachment that is not mapped, as before. */
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	}
	device_detach(attachment);
	device_destroy(device);
	return mapped;
}

CASE(narrow, "importer.narrow", CATALOGUE("IMP-05"), CLASS(ABI),
     STATEMENT(
	     "A device that reaches only part of memory is given addresses that it reaches, with "
	     "the buffer's bytes behind them, or its mapping is refused, and harms nobody else's."),
     NARROW_SOURCE, NEEDS("heap device vmap"))
{
	size_t bytes = 5 * page_size();
	int buffer = heap_buffer(bytes), reached = 0, refused = 0;
	unsigned char *at = buffer_map(buffer, bytes), *copy = malloc(bytes);
	uint64_t lowest = lowest_page(buffer, bytes);
	uint32_t wide;

	EXPECT_TRUE(copy);
	fill(at, 0, bytes, 1);
	wide = device_with(buffer, FENCEPOST_TO_DEVICE);
	for (unsigned int bits = 20; bits <= 48; bits += 2) {
		int mapped = try_limit(buffer, bytes, (UINT64_C(1) << bits) - 1, 1);

		reached += mapped;
		refused += !mapped;
	}
	/* Just below the buffer, in the middle of it, and to its very end where it is one piece. */
	for (int pages = 0; pages <= 5; pages++) {
		int mapped = try_limit(buffer, bytes, lowest + pages * page_size() - 1, 1);

		reached += mapped;
		refused += !mapped;
	}
	fp_note("%d limits reached, %d refused", reached, refused);
	EXPECT_TRUE(reached > 0);
	EXPECT_TRUE(refused > 0);
	device_read(wide, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 1);
	EXPECT_FILLED(at, 0, bytes, 1);
}

CASE(narrow_errno, "importer.narrow-error", CATALOGUE("CMA-09"), CLASS(IMPL),
     STATEMENT(
	     "A CMA heap refuses a mapping that cannot be with ENOMEM, whatever the reason; up to "
	     "5.10 it passes EINVAL on."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_map_dma_buf()"), NEEDS("heap:cma device"),
     EXPECTED({NULL, "5.10", EINVAL}, {"5.11", NULL, ENOMEM}))
{
	int buffer = heap_buffer(page_size());
	uint32_t device = device_make_limited((struct fencepost_device){.limit = 0xfff});

	EXPECT_ERRNO(device_map(device_attach(device, buffer), FENCEPOST_TO_DEVICE),
		     (int)fp_expected());
}
