// SPDX-License-Identifier: MIT
/* Attachments and mappings: what a device is given, and that nothing is left of it. */
#include <stdlib.h>
#include <unistd.h>

#include "bufinfo.h"
#include "buffer-fence.h"
#include "played-device.h"
#include "device-checks.h"
#include "dma-debug.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "pages.h"

CASE(round_trip, "importer.round-trip", CATALOGUE("IMP-01"), CLASS(ABI),
     STATEMENT("A device attaches, maps in each direction, unmaps and detaches, again and again, "
	       "and the buffer has then neither attachment nor reference of it."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_attach(), dma_buf_map_attachment(), "
	    "dma_buf_detach()"),
     NEEDS("heap device"))
{
	expect_round_trips(heap_buffer(device_room()));
}

CASE(listed, "importer.listed", CATALOGUE("IMP-01"), CLASS(ABI),
     STATEMENT("debugfs lists a buffer's devices while they are attached, and no longer."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_debug_show()"), NEEDS("heap device debugfs"))
{
	uint32_t attachments[3];
	int buffer = heap_buffer(page_size());

	for (int i = 0; i < 3; i++) {
		attachments[i] = device_attach(device_make(), buffer);
		EXPECT_EQ(attached_to(buffer), i + 1);
	}
	for (int i = 0; i < 3; i++) {
		device_detach(attachments[i]);
		EXPECT_EQ(attached_to(buffer), 2 - i);
	}
}

CASE(covers, "importer.covers", CATALOGUE("IMP-02"), CLASS(ABI),
     STATEMENT(
	     "A mapping covers exactly the buffer, whatever its size, in pieces of whole pages at "
	     "page-aligned addresses that do not overlap."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.map_dma_buf; drivers/dma-buf/dma-buf.c: "
	    "dma_buf_map_attachment()"),
     NEEDS("heap device"))
{
	size_t sizes[] = {1, page_size(), page_size() + 1, 3 * page_size() - 1, device_room()};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int buffer = heap_buffer(sizes[i]);
		uint32_t attachment = device_with(buffer, FENCEPOST_BIDIRECTIONAL);

		fp_context("a buffer of %zu bytes", sizes[i]);
		expect_covers(attachment, page_align(sizes[i]));
		device_unmap(attachment);
		device_detach(attachment);
		MUST(close(buffer));
	}
}

CASE(order, "importer.order", CATALOGUE("IMP-03"), CLASS(ABI),
     STATEMENT("Byte by byte, what a program wrote is what the device reads, and what the device "
	       "wrote is what the program reads, in the same places."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: dup_sg_table(), system_heap_allocate(); "
	    "cma_heap.c: cma_heap_attach()"),
     NEEDS("heap device"))
{
	size_t bytes = device_room();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), *copy = malloc(bytes);
	uint32_t attachment = device_with(buffer, FENCEPOST_BIDIRECTIONAL);

	EXPECT_TRUE(copy);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	fill(at, 0, bytes, 1);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	device_read(attachment, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 1);
	fill(copy, 0, bytes, 2);
	device_write(attachment, 0, copy, bytes);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_FILLED(at, 0, bytes, 2);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
}

CASE(own_tables, "importer.own-tables", CATALOGUE("IMP-04"), CLASS(ABI),
     STATEMENT("Each attachment has a mapping of its own: another device's, with another mask, "
	       "neither changes it nor ends it."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.map_dma_buf; "
	    "drivers/dma-buf/heaps/system_heap.c: "
	    "system_heap_attach()"),
     NEEDS("heap device near"))
{
	/* Where the other device reaches less, its mapping is bounced. */
	size_t bytes = page_align(204 * KIB);
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), *copy = malloc(bytes);
	uint32_t narrow = device_make_limited((struct fencepost_device){.mask = UINT32_MAX}),
		 first = device_with(buffer, FENCEPOST_TO_DEVICE), second;
	struct fencepost_segment *before, *after, *others;
	uint32_t count = device_segments(first, &before), other_count;

	EXPECT_TRUE(copy);
	second = device_attach(narrow, buffer);
	EXPECT_OK(device_map(second, FENCEPOST_TO_DEVICE));
	other_count = device_segments(second, &others);
	EXPECT_EQ(device_segments(first, &after), count);
	for (uint32_t i = 0; i < count; i++) {
		EXPECT_EQ(after[i].address, before[i].address);
		EXPECT_EQ(after[i].length, before[i].length);
	}
	/* Where mappings are bounced each has memory of its own. */
	for (uint32_t i = 0; device_bounces() && i < other_count; i++)
		for (uint32_t own = 0; own < count; own++)
			EXPECT_TRUE(others[i].address != before[own].address);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	fill(at, 0, bytes, 3);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	device_read(second, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 3);
	device_unmap(second);
	device_detach(second);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	fill(at, 0, bytes, 4);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	device_read(first, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 4);
}

CASE(unmapped_alike, "importer.unmapped-alike", CATALOGUE("IMP-07"), CLASS(ABI),
     STATEMENT("A buffer is unmapped for the device, in the direction and with the attributes that "
	       "it was mapped with: the kernel's own check says nothing."),
     SOURCE("kernel/dma/debug.c: check_unmap(); drivers/dma-buf/heaps/system_heap.c: "
	    "system_heap_unmap_dma_buf()"),
     NEEDS("heap device dma-api-debug"))
{
	unsigned long before = dma_debug_errors(), mapped = dma_debug_mappings();
	int buffer = heap_buffer(device_room());

	for (int i = 0; i < DIRECTIONS; i++) {
		uint32_t one = device_with(buffer, directions[i]),
			 two = device_with(buffer, FENCEPOST_TO_DEVICE);

		device_unmap(one);
		device_unmap(two);
		device_detach(two);
		device_detach(one);
		EXPECT_EQ(dma_debug_errors(), before);
	}
	EXPECT_EQ(dma_debug_mappings(), mapped);
}
