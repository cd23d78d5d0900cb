// SPDX-License-Identifier: MIT
/* What a bus master reads and writes by itself. */
#include <unistd.h>

#include "buffer-fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

#define START(direction) (DMA_BUF_SYNC_START | DMA_BUF_SYNC_##direction)
#define END(direction)	 (DMA_BUF_SYNC_END | DMA_BUF_SYNC_##direction)

/* A transfer may not be the whole of a page, and begins anywhere. */
enum { PART = 1000, OFFSET = 3333 };

/* Of four pages each. */
enum { BUFFERS = 48 };

static uint32_t master_with(int buffer, enum fencepost_direction direction)
{
	uint32_t attachment = device_attach(device_claim(), buffer);

	MUST(device_map(attachment, direction));
	return attachment;
}

CASE(reads, "master.reads", CATALOGUE("SYNC-08"), CLASS(ABI),
     STATEMENT("A bus master reads what a program wrote, once END was said, also across pages."),
     SOURCE("Documentation/driver-api/dma-buf.rst: CPU Access to DMA Buffer Objects"),
     NEEDS("heap device master"))
{
	size_t bytes = 3 * page_size();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), copy[PART];
	uint32_t attachment = master_with(buffer, FENCEPOST_BIDIRECTIONAL);

	EXPECT_OK(buffer_sync(buffer, START(WRITE)));
	fill(at, 0, bytes, 1);
	EXPECT_OK(buffer_sync(buffer, END(WRITE)));
	device_read(attachment, page_size() - PART / 2, copy, PART);
	EXPECT_FILLED(copy, page_size() - PART / 2, PART, 1);
	device_read(attachment, bytes - PART, copy, PART);
	EXPECT_FILLED(copy, bytes - PART, PART, 1);
}

CASE(writes, "master.writes", CATALOGUE("SYNC-07"), CLASS(ABI),
     STATEMENT("What a bus master wrote a program sees after START, and around it what was there."),
     SOURCE("Documentation/driver-api/dma-buf.rst: CPU Access to DMA Buffer Objects"),
     NEEDS("heap device master"))
{
	size_t bytes = 2 * page_size();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), copy[PART];
	uint32_t attachment;

	fill(at, 0, bytes, 1);
	attachment = master_with(buffer, FENCEPOST_BIDIRECTIONAL);
	fill(copy, OFFSET, PART, 2);
	device_write(attachment, OFFSET, copy, PART);
	EXPECT_OK(buffer_sync(buffer, START(READ)));
	EXPECT_FILLED(at, 0, OFFSET, 1);
	EXPECT_FILLED(at + OFFSET, OFFSET, PART, 2);
	EXPECT_FILLED(at + OFFSET + PART, OFFSET + PART, bytes - OFFSET - PART, 1);
	EXPECT_OK(buffer_sync(buffer, END(READ)));
}

CASE(unmapped, "master.writes-then-unmap", CATALOGUE("SYNC-19"), CLASS(ABI),
     STATEMENT("What a bus master wrote a program sees when it was unmapped, without any SYNC."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_unmap_dma_buf()"),
     NEEDS("heap device master"))
{
	size_t bytes = page_size();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), copy[PART];
	uint32_t attachment = master_with(buffer, FENCEPOST_FROM_DEVICE);

	fill(copy, 0, PART, 3);
	device_write(attachment, 0, copy, PART);
	device_unmap(attachment);
	EXPECT_FILLED(at, 0, PART, 3);
}

CASE(zero, "master.reads-zeros", CATALOGUE("ZERO-06"), CLASS(ABI),
     STATEMENT(
	     "A bus master that has a new buffer mapped before any program has looked at it reads "
	     "zeros."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.map_dma_buf"), NEEDS("heap device master"))
{
	unsigned char copy[PART];
	int buffers[BUFFERS];

	/* Programs' bytes lie in all that these have, and most of the next ones get that memory. */
	for (int i = 0; i < BUFFERS; i++) {
		unsigned char *at;

		buffers[i] = heap_buffer(4 * page_size());
		at = buffer_map(buffers[i], 4 * page_size());
		fill(at, 0, 4 * page_size(), 4);
		buffer_unmap(at, 4 * page_size());
	}
	for (int i = 0; i < BUFFERS; i++)
		MUST(close(buffers[i]));
	for (int i = 0; i < BUFFERS; i++)
		buffers[i] = heap_buffer(4 * page_size());
	for (int i = 0; i < BUFFERS; i += BUFFERS / 3) {
		const uint32_t device = device_claim(),
			       attachment = device_attach(device, buffers[i]);

		fp_context("buffer %d of %d", i + 1, BUFFERS);
		MUST(device_map(attachment, FENCEPOST_TO_DEVICE));
		for (size_t page = 0; page < 4; page += 3) {
			device_read(attachment, page * page_size(), copy, PART);
			EXPECT_FILLED(copy, page * page_size(), PART, 0);
		}
		device_unmap(attachment);
		device_detach(attachment);
		device_destroy(device);
	}
}
