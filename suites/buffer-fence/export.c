// SPDX-License-Identifier: MIT
/* What an exported sync_file waits for. */
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"
#include "usage.h"

CASE(idle, "fence.buffer.export-idle", CATALOGUE("ESF-02"), CLASS(ABI),
     STATEMENT("A buffer without fences exports a sync_file with one fence, signalled already."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file(); " UAPI_SOURCE), SINCE("6.1"),
     NEEDS("heap sync_file"))
{
	int buffer = heap_buffer(page_size());

	for (int i = 0; i < USAGES; i++) {
		int fence = MUST(buffer_export_fence(buffer, usages[i]));

		EXPECT_SIGNALLED(fence);
		EXPECT_EQ(fence_count(fence), 1);
	}
}

CASE(past, "fence.buffer.export-past", CATALOGUE("ESF-02"), CLASS(ABI),
     STATEMENT("A buffer whose fences have all signalled exports a signalled sync_file."),
     SOURCE("drivers/dma-buf/dma-resv.c: dma_resv_get_singleton(), which skips what has "
	    "signalled; " UAPI_SOURCE),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size());

	for (int i = 0; i < USAGES; i++) {
		int timeline = MUST(timeline_open());

		import_new(buffer, timeline, 1, usages[i]);
		import_new(buffer, timeline, 2, usages[i]);
		MUST(timeline_increase(timeline, 2));
	}
	for (int i = 0; i < USAGES; i++) {
		EXPECT_EXPORT_SIGNALLED(buffer, usages[i]);
		EXPECT_EQ(export_count(buffer, usages[i]), 1);
	}
}

CASE(after_read, "fence.buffer.import-read", CATALOGUE("ESF-04"), CLASS(ABI),
     STATEMENT("A fence imported for READ holds an export for WRITE or both, and none for READ."),
     SOURCE(UAPI_SOURCE), SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());
	int writer, both;

	import_new(buffer, timeline, 1, DMA_BUF_SYNC_READ);
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_READ);
	writer = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	both = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_RW));
	EXPECT_PENDING(writer);
	EXPECT_PENDING(both);
	MUST(timeline_increase(timeline, 1));
	EXPECT_SIGNALLED(writer);
	EXPECT_SIGNALLED(both);
}

CASE(after_write, "fence.buffer.import-write", CATALOGUE("ESF-05"), CLASS(ABI),
     STATEMENT("A fence imported for WRITE, or for both, holds every export."), SOURCE(UAPI_SOURCE),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	static const uint32_t writing[] = {DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};

	for (int w = 0; w < 2; w++) {
		int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());
		int fence[USAGES];

		import_new(buffer, timeline, 1, writing[w]);
		for (int i = 0; i < USAGES; i++) {
			fence[i] = MUST(buffer_export_fence(buffer, usages[i]));
			EXPECT_PENDING(fence[i]);
			EXPECT_EQ(fence_count(fence[i]), 1);
		}
		MUST(timeline_increase(timeline, 1));
		for (int i = 0; i < USAGES; i++)
			EXPECT_SIGNALLED(fence[i]);
	}
}

CASE(separate, "fence.buffer.own-fences", CATALOGUE("ESF-05"), CLASS(ABI),
     STATEMENT("A fence of one buffer does not hold another buffer of the same heap."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export(), which gives each buffer a reservation "
	    "object of its own"),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int fenced = heap_buffer(page_size()), other = heap_buffer(page_size());
	int timeline = MUST(timeline_open());

	import_new(fenced, timeline, 1, DMA_BUF_SYNC_WRITE);
	EXPECT_EXPORT_PENDING(fenced, DMA_BUF_SYNC_READ);
	EXPECT_EXPORT_SIGNALLED(other, DMA_BUF_SYNC_RW);
	/* One that is made while the fence is pending, too. */
	EXPECT_EXPORT_SIGNALLED(heap_buffer(page_size()), DMA_BUF_SYNC_RW);
	/* And every descriptor of a buffer is the same buffer. */
	EXPECT_EXPORT_PENDING(MUST(dup(fenced)), DMA_BUF_SYNC_READ);
}

CASE(snapshot, "fence.buffer.export-snapshot", CATALOGUE("ESF-06"), CLASS(ABI),
     STATEMENT("An exported sync_file waits for the fences of that moment, and for none that come "
	       "later."),
     SOURCE(UAPI_SOURCE), SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size());
	int first = MUST(timeline_open()), second = MUST(timeline_open());
	int of_none, of_first, of_both;

	of_none = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	import_new(buffer, first, 1, DMA_BUF_SYNC_WRITE);
	of_first = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	import_new(buffer, second, 1, DMA_BUF_SYNC_WRITE);
	of_both = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	EXPECT_SIGNALLED(of_none);
	EXPECT_PENDING(of_first);
	EXPECT_PENDING(of_both);
	/* A later fence of the first's own timeline takes its place in the buffer. */
	import_new(buffer, first, 2, DMA_BUF_SYNC_WRITE);
	MUST(timeline_increase(first, 1));
	EXPECT_SIGNALLED(of_first);
	EXPECT_PENDING(of_both);
	EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_WRITE);
	MUST(timeline_increase(second, 1));
	EXPECT_SIGNALLED(of_both);
	EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_READ);
	MUST(timeline_increase(first, 1));
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_WRITE);

	/* It waits for the earlier ones as well when the latest signals first. */
	import_new(buffer, first, 3, DMA_BUF_SYNC_WRITE);
	import_new(buffer, second, 3, DMA_BUF_SYNC_WRITE);
	of_both = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	MUST(timeline_increase(second, 2));
	EXPECT_PENDING(of_both);
	MUST(timeline_increase(first, 1));
	EXPECT_SIGNALLED(of_both);
}

enum { PARTS = 3, ORDERS = 6 };
static const int orders[ORDERS][PARTS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					  {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

CASE(all_parts, "fence.buffer.export-all", CATALOGUE("ESF-07"), CLASS(ABI),
     STATEMENT("An export of three fences signals when all have, in whatever order they do."),
     SOURCE("drivers/dma-buf/dma-resv.c: dma_resv_get_singleton()"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	static const uint32_t use[PARTS] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE,
					    DMA_BUF_SYNC_READ};

	for (int i = 0; i < ORDERS; i++) {
		int buffer = heap_buffer(page_size()), timeline[PARTS], all, write_alone;

		fp_context("order %d %d %d", orders[i][0], orders[i][1], orders[i][2]);
		for (int part = 0; part < PARTS; part++) {
			timeline[part] = MUST(timeline_open());
			import_new(buffer, timeline[part], 1, use[part]);
		}
		all = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
		write_alone = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
		EXPECT_EQ(fence_count(all), PARTS);
		EXPECT_EQ(fence_count(write_alone), 1);
		for (int step = 0; step < PARTS; step++) {
			EXPECT_PENDING(all);
			MUST(timeline_increase(timeline[orders[i][step]], 1));
			if (orders[i][step] == 1)
				EXPECT_SIGNALLED(write_alone);
		}
		EXPECT_SIGNALLED(all);
		EXPECT_SIGNALLED(write_alone);
	}
}

CASE(many_parts, "fence.buffer.export-many", CATALOGUE("ESF-07"), CLASS(ABI),
     STATEMENT("An export of a hundred fences counts and awaits every one of them."),
     SOURCE("drivers/dma-buf/dma-resv.c: dma_resv_reserve_fences(), dma_resv_get_singleton()"),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	enum { FENCES = 100, STEP = 37 }; /* without a common divisor: all are met */
	int buffer = heap_buffer(page_size()), timeline[FENCES], all;

	for (int i = 0; i < FENCES; i++) {
		timeline[i] = MUST(timeline_open());
		import_new(buffer, timeline[i], 1, usages[i % USAGES]);
		EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_WRITE), i + 1);
	}
	all = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_RW));
	EXPECT_EQ(fence_count(all), FENCES);
	for (int i = 0; i < FENCES; i++) {
		fp_context("%d have signalled", i);
		EXPECT_PENDING(all);
		EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_WRITE);
		MUST(timeline_increase(timeline[i * STEP % FENCES], 1));
	}
	EXPECT_SIGNALLED(all);
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_WRITE);
}
