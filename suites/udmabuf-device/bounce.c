// SPDX-License-Identifier: MIT
/* SYNC of a udmabuf where devices and processors do not share its memory: docs/device.md. */
#include <stdlib.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "udmabuf-node.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "played-device.h"

enum { PAGES = 5 };

#define BOUNCE_SOURCE                                                                              \
	SOURCE("Documentation/driver-api/dma-buf.rst: CPU Access to DMA Buffer Objects; "          \
	       "drivers/dma-buf/udmabuf.c: begin_cpu_udmabuf(), end_cpu_udmabuf(), "               \
	       "unmap_udmabuf()")

struct shared {
	size_t bytes;
	int buffer;
	unsigned char *at, *copy;
	uint32_t attachment;
};

/* A buffer that a program has filled with 1, and that a device has mapped since. */
static struct shared share(void)
{
	struct shared shared = {.bytes = PAGES * page_size()};

	shared.buffer = udmabuf_of(memfd_for_udmabuf(shared.bytes), shared.bytes);
	shared.at = buffer_map(shared.buffer, shared.bytes);
	shared.copy = malloc(shared.bytes);
	EXPECT_TRUE(shared.copy);
	fill(shared.at, 0, shared.bytes, 1);
	shared.attachment = device_with(shared.buffer, FENCEPOST_BIDIRECTIONAL);
	return shared;
}

static void device_fills(struct shared *shared, uint32_t seed)
{
	fill(shared->copy, 0, shared->bytes, seed);
	device_write(shared->attachment, 0, shared->copy, shared->bytes);
}

CASE(live, "udmabuf.bounce.live", CATALOGUE("UDB-21"), CLASS(IMPL),
     STATEMENT("A device that maps a udmabuf finds what was in it, and its own writes no program "
	       "sees before a sync: what the others look at is real."),
     SOURCE("kernel/dma/swiotlb.c: swiotlb_tbl_map_single()"), NEEDS("udmabuf device bounce"))
{
	struct shared shared = share();

	device_read(shared.attachment, 0, shared.copy, shared.bytes);
	EXPECT_FILLED(shared.copy, 0, shared.bytes, 1);
	device_fills(&shared, 2);
	EXPECT_FILLED(shared.at, 0, shared.bytes, 1);
}

CASE(start, "udmabuf.bounce.start-read", CATALOGUE("UDB-21"), CLASS(ABI),
     STATEMENT("After START a program sees what a device wrote into a udmabuf."), BOUNCE_SOURCE,
     NEEDS("udmabuf device bounce"))
{
	struct shared shared = share();

	device_fills(&shared, 2);
	EXPECT_OK(buffer_sync(shared.buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_FILLED(shared.at, 0, shared.bytes, 2);
}

CASE(end, "udmabuf.bounce.end-write", CATALOGUE("UDB-21"), CLASS(ABI),
     STATEMENT("After END a device sees what a program wrote into a udmabuf."), BOUNCE_SOURCE,
     NEEDS("udmabuf device bounce"))
{
	struct shared shared = share();

	EXPECT_OK(buffer_sync(shared.buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	fill(shared.at, 0, shared.bytes, 3);
	EXPECT_OK(buffer_sync(shared.buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	device_read(shared.attachment, 0, shared.copy, shared.bytes);
	EXPECT_FILLED(shared.copy, 0, shared.bytes, 3);
}

CASE(unmap, "udmabuf.bounce.unmap", CATALOGUE("SYNC-19"), CLASS(ABI),
     STATEMENT("When the device has unmapped a udmabuf, and is detached, a program sees what it "
	       "wrote."),
     BOUNCE_SOURCE, NEEDS("udmabuf device bounce"))
{
	struct shared shared = share();

	device_fills(&shared, 4);
	device_unmap(shared.attachment);
	device_detach(shared.attachment);
	EXPECT_FILLED(shared.at, 0, shared.bytes, 4);
}

CASE(memfd, "udmabuf.bounce.keeps-memfd", CATALOGUE("UDB-21"), CLASS(ABI),
     STATEMENT("START takes nothing back that a program has written to the memfd since the last "
	       "END, though no device has written anything."),
     SOURCE("drivers/dma-buf/udmabuf.c: begin_cpu_udmabuf(), which syncs a mapping of its own"),
     NEEDS("udmabuf device bounce"))
{
	size_t bytes = PAGES * page_size();
	int memfd = memfd_for_udmabuf(bytes), buffer = udmabuf_of(memfd, bytes);
	unsigned char *file = buffer_map(memfd, bytes);

	fill(file, 0, bytes, 1);
	EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	fill(file, 0, bytes, 2);
	EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_FILLED(file, 0, bytes, 2);
}
