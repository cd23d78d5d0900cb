// SPDX-License-Identifier: MIT
/* Mappings that cannot be had, or have to be made to measure. */
#include <stdlib.h>

#include "buffer-fence.h"
#include "fault.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "pages.h"
#include "played-device.h"
#include "played-exporter.h"

CASE(refused, "importer.refused", CATALOGUE("IMP-06"), CLASS(ABI),
     STATEMENT("A device whose mapping was refused is attached as before: SYNC leaves it out, it "
	       "can detach, and it can map the buffer when it reaches it, with all that is in it."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_map_dma_buf(); cma_heap.c: "
	    "cma_heap_map_dma_buf()"),
     NEEDS("heap device"))
{
	const size_t bytes = 5 * page_size();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), *copy = malloc(bytes);
	uint32_t device = device_make(), held = kernel_hold(buffer), attachment;

	EXPECT_TRUE(copy);
	for (uint32_t i = 0; i < 3; i++) {
		attachment = device_attach(device, buffer);
		device_limit(device, page_size() - 1);
		for (int again = 0; again < 2; again++) {
			EXPECT_EQ(device_map(attachment, FENCEPOST_BIDIRECTIONAL), -1);
			EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
			fill(at, 0, bytes, i + 1);
			EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
		}
		EXPECT_EQ(kernel_state(held).attachments, 1);
		device_limit(device, 0);
		/* Once it is detached without ever having been mapped. */
		if (i) {
			EXPECT_OK(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
			device_read(attachment, 0, copy, bytes);
			EXPECT_FILLED(copy, 0, bytes, i + 1);
			device_unmap(attachment);
		}
		device_detach(attachment);
		EXPECT_EQ(kernel_state(held).attachments, 0);
	}
	EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
}

CASE(segments, "importer.max-segment", CATALOGUE("IMP-23"), CLASS(ABI),
     STATEMENT("A device is given no piece that is longer than it takes (dma_set_max_seg_size()), "
	       "however the buffer lies in memory."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.map_dma_buf, \"any specific buffer attributes "
	    "required ... should get added to device_dma_parameters\"; "
	    "Documentation/driver-api/dma-buf.rst: Kernel Functions and Structures"),
     NEEDS("heap device"))
{
	const uint32_t most = (uint32_t)(2 * page_size());
	/* More than two pages in one piece where it is of chunks, or one piece altogether. */
	const size_t bytes = device_room();
	int buffer = heap_buffer(bytes);
	uint32_t device = device_make_limited((struct fencepost_device){.max_segment = most}),
		 attachment = device_attach(device, buffer), count;
	struct fencepost_segment *segments;
	uint64_t whole = 0;

	EXPECT_OK(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	count = device_segments(attachment, &segments);
	for (uint32_t i = 0; i < count; i++) {
		fp_context("piece %u of %u", i, count);
		EXPECT_TRUE(segments[i].length <= most);
		whole += segments[i].length;
	}
	EXPECT_EQ(whole, bytes);
}

static long vmap_once(void *argument)
{
	struct fencepost_vmap *wanted = argument;

	return device_ioctl(FENCEPOST_IOC_VMAP, wanted);
}

static void check_vmap(void *argument, long result)
{
	struct fencepost_vmap *wanted = argument;

	if (result < 0)
		return;
	EXPECT_TRUE(wanted->address != 0);
	kernel_vunmap(wanted->buffer);
}

CASE(vmap_faults, "importer.vmap-faults", CATALOGUE("IMP-11"), CLASS(ABI),
     STATEMENT("Whichever allocation of memory fails on the way of a mapping into the kernel, who "
	       "asked is told ENOMEM, or gets it."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap(); drivers/dma-buf/heaps/system_heap.c: "
	    "system_heap_do_vmap(); cma_heap.c: cma_heap_do_vmap()"),
     NEEDS("heap device vmap fault-injection root"), TIMEOUT(60000))
{
	struct fencepost_vmap wanted = {
		.buffer = kernel_hold(heap_buffer(CHUNKED_PAGES * page_size()))};

	EXPECT_TRUE(fault_sweep("vmap", vmap_once, check_vmap, &wanted) > 0);
}
