// SPDX-License-Identifier: MIT
/* What a driver's fence means to others, by the usage that it was added with. */
#include <poll.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "driver-fence.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"
#include "ready.h"

#define EXPORT_SOURCE                                                                              \
	"drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file(); include/linux/dma-resv.h: enum "   \
	"dma_resv_usage"

/* 0: pending, 1: signalled, or an error: what is exported now. */
static int exported(int buffer, uint32_t flags)
{
	int fence = MUST(buffer_export_fence(buffer, flags)), status;

	EXPECT_OK(fence_poll(fence, POLLIN));
	status = fence_status(fence);
	MUST(close(fence));
	return status;
}

CASE(usages, "fence.driver.usage", CATALOGUE("IMP-20"), CLASS(ABI),
     STATEMENT(
	     "poll() and EXPORT_SYNC_FILE see a driver's fence as its usage says: KERNEL and WRITE "
	     "hold up all, READ writers, BOOKKEEP nobody."),
     SOURCE(EXPORT_SOURCE), SINCE("6.1"), NEEDS("heap device sync_file"))
{
	static const struct {
		enum fencepost_usage usage;
		int ready, reader, writer;
	} rows[] = {
		{FENCEPOST_KERNEL, 0, 0, 0},
		{FENCEPOST_WRITE, 0, 0, 0},
		{FENCEPOST_READ, POLLIN, 1, 0},
		{FENCEPOST_BOOKKEEP, BOTH, 1, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int buffer = heap_buffer(page_size());
		uint32_t fence = driver_fence_on(buffer, rows[i].usage);

		fp_context("usage %d", rows[i].usage);
		EXPECT_READY(buffer, rows[i].ready);
		EXPECT_EQ(exported(buffer, DMA_BUF_SYNC_READ), rows[i].reader);
		EXPECT_EQ(exported(buffer, DMA_BUF_SYNC_WRITE), rows[i].writer);
		EXPECT_EQ(exported(buffer, DMA_BUF_SYNC_RW), rows[i].writer);
		driver_fence_end(fence);
		EXPECT_READY(buffer, BOTH);
		EXPECT_EQ(exported(buffer, DMA_BUF_SYNC_READ), 1);
		EXPECT_EQ(exported(buffer, DMA_BUF_SYNC_WRITE), 1);
	}
}

CASE(together, "fence.driver.with-imported", CATALOGUE("ESF-07"), CLASS(ABI),
     STATEMENT("An export holds drivers' fences and imported ones alike, and signals with the last "
	       "of them."),
     SOURCE(EXPORT_SOURCE), SINCE("6.1"), NEEDS("heap device sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open()), all;
	uint32_t write = driver_fence_on(buffer, FENCEPOST_WRITE),
		 read = driver_fence_on(buffer, FENCEPOST_READ);

	fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	driver_fence_on(buffer, FENCEPOST_BOOKKEEP);
	all = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(fence_count(all), 3);
	EXPECT_EQ(fence_poll(all, POLLIN), 0);
	driver_fence_end(read);
	EXPECT_EQ(fence_poll(all, POLLIN), 0);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(fence_poll(all, POLLIN), 0);
	driver_fence_end(write);
	EXPECT_EQ(fence_poll(all, POLLIN), POLLIN);
	EXPECT_EQ(fence_status(all), 1);
}

CASE(snapshot, "fence.driver.export-is-snapshot", CATALOGUE("ESF-06"), CLASS(ABI),
     STATEMENT("A driver that begins after an export does not hold it up."), SOURCE(EXPORT_SOURCE),
     SINCE("6.1"), NEEDS("heap device sync_file"))
{
	int buffer = heap_buffer(page_size()), early;
	uint32_t first = driver_fence_on(buffer, FENCEPOST_WRITE), second;

	early = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
	second = driver_fence_on(buffer, FENCEPOST_WRITE);
	driver_fence_end(first);
	EXPECT_EQ(fence_poll(early, POLLIN), POLLIN);
	EXPECT_EQ(exported(buffer, DMA_BUF_SYNC_READ), 0);
	driver_fence_end(second);
}

CASE(error, "fence.driver.export-error", CATALOGUE("ESF-12"), CLASS(ABI),
     STATEMENT("What was exported while a driver was at work tells the error that it ended with, "
	       "and tells it when the buffer is gone, too."),
     SOURCE(EXPORT_SOURCE), SINCE("6.1"), NEEDS("heap device sync_file"))
{
	int buffer = heap_buffer(page_size()), file;
	uint32_t fence = driver_fence_on(buffer, FENCEPOST_WRITE);

	file = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
	MUST(close(buffer));
	EXPECT_EQ(fence_poll(file, POLLIN), 0);
	EXPECT_OK(driver_fence_signal(fence, EIO));
	EXPECT_EQ(fence_poll(file, POLLIN), POLLIN);
	EXPECT_EQ(fence_status(file), -EIO);
}

CASE(file, "fence.driver.sync-file", CATALOGUE("SF-11"), CLASS(ABI),
     STATEMENT("A driver's sync_file is pending, then signalled with a time, or with the driver's "
	       "error."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_create(), sync_file_ioctl_fence_info()"),
     NEEDS("heap device"))
{
	for (int i = 0; i < 2; i++) {
		uint32_t fence = driver_fence();
		int file = driver_fence_export(fence);
		int64_t before;

		EXPECT_EQ(fence_poll(file, POLLIN), 0);
		EXPECT_EQ(fence_status(file), 0);
		EXPECT_EQ(fence_timestamp_ns(file), 0);
		before = fence_clock_ns();
		EXPECT_OK(driver_fence_signal(fence, i ? EIO : 0));
		EXPECT_OK(driver_fence_drop(fence));
		EXPECT_EQ(fence_poll(file, POLLIN), POLLIN);
		EXPECT_EQ(fence_status(file), i ? -EIO : 1);
		EXPECT_TRUE(fence_timestamp_ns(file) >= before);
		EXPECT_TRUE(fence_timestamp_ns(file) <= fence_clock_ns());
	}
}
