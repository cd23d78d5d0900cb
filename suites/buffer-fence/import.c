// SPDX-License-Identifier: MIT
/* What becomes of a fence that is imported. */
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"
#include "usage.h"

enum { PARTS = 3 };

#define MERGED_SOURCE                                                                              \
	SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_import_sync_file(), "                           \
	       "dma_fence_unwrap_for_each(); drivers/dma-buf/dma-resv.c: dma_resv_add_fence(), "   \
	       "which warns of a fence that has parts")

/* Signals all timelines but `last`, in order, then `last`: the buffer is busy all the while. */
static void expect_all_honoured(int buffer, const int timeline[PARTS], int last)
{
	int exported = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));

	EXPECT_EQ(fence_count(exported), PARTS);
	for (int i = 0; i < PARTS; i++) {
		if (i == last)
			continue;
		MUST(timeline_increase(timeline[i], 1));
		EXPECT_PENDING(exported);
		EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_READ);
	}
	MUST(timeline_increase(timeline[last], 1));
	EXPECT_SIGNALLED(exported);
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_RW);
}

/* A sync_file with one fence of each of new timelines, all pending until 1. */
static int merged_fence(int timeline[PARTS])
{
	int merged = -1;

	for (int i = 0; i < PARTS; i++) {
		int fence, both;

		timeline[i] = MUST(timeline_open());
		fence = MUST(timeline_fence(timeline[i], 1));
		both = i == 0 ? MUST(dup(fence)) : MUST(fence_merge("merged", merged, fence));
		MUST(close(fence));
		if (i > 0)
			MUST(close(merged));
		merged = both;
	}
	EXPECT_EQ(fence_count(merged), PARTS);
	return merged;
}

CASE(merged, "fence.buffer.import-merged", CATALOGUE("ESF-09"), CLASS(ABI),
     STATEMENT("Of a merged sync_file every fence is imported, and each holds the buffer."),
     MERGED_SOURCE, SINCE("6.1"), NEEDS("heap sw_sync"))
{
	for (int last = 0; last < PARTS; last++) {
		int buffer = heap_buffer(page_size()), timeline[PARTS];

		fp_context("fence %d signals last", last);
		EXPECT_EQ(buffer_import_fence(buffer, merged_fence(timeline), DMA_BUF_SYNC_WRITE),
			  0);
		expect_all_honoured(buffer, timeline, last);
	}
}

CASE(merged_for_read, "fence.buffer.import-merged-read", CATALOGUE("ESF-09"), CLASS(ABI),
     STATEMENT("A merged sync_file that is imported for READ holds writers with all its fences, "
	       "and no reader."),
     MERGED_SOURCE, SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline[PARTS];

	EXPECT_EQ(buffer_import_fence(buffer, merged_fence(timeline), DMA_BUF_SYNC_READ), 0);
	EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_WRITE), PARTS);
	for (int i = 0; i < PARTS; i++) {
		EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_READ);
		EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_WRITE);
		MUST(timeline_increase(timeline[i], 1));
	}
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_WRITE);
}

CASE(passed_on, "fence.buffer.import-exported", CATALOGUE("ESF-09"), CLASS(ABI),
     STATEMENT("What one buffer exports another imports: its fences, one by one, from buffer to "
	       "buffer."),
     MERGED_SOURCE, SINCE("6.1"), NEEDS("heap sw_sync"))
{
	enum { HOPS = 4 };

	for (int last = 0; last < PARTS; last++) {
		int buffer = heap_buffer(page_size()), timeline[PARTS];

		fp_context("fence %d signals last", last);
		for (int i = 0; i < PARTS; i++) {
			timeline[i] = MUST(timeline_open());
			import_new(buffer, timeline[i], 1, DMA_BUF_SYNC_WRITE);
		}
		for (int hop = 0; hop < HOPS; hop++) {
			int exported = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
			int next = heap_buffer(page_size());

			EXPECT_EQ(buffer_import_fence(next, exported, DMA_BUF_SYNC_WRITE), 0);
			MUST(close(exported));
			MUST(close(buffer));
			buffer = next;
		}
		expect_all_honoured(buffer, timeline, last);
	}
}

#define REPLACE_SOURCE SOURCE("drivers/dma-buf/dma-resv.c: dma_resv_add_fence()")

CASE(replaced, "fence.buffer.import-later", CATALOGUE("ESF-10"), CLASS(IMPL),
     STATEMENT("A later fence of the same timeline takes the earlier one's place; the same one "
	       "again adds nothing."),
     REPLACE_SOURCE, SINCE("6.1"), NEEDS("heap sw_sync"))
{
	for (int i = 0; i < USAGES; i++) {
		int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());

		import_new(buffer, timeline, 1, usages[i]);
		import_new(buffer, timeline, 2, usages[i]);
		EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_WRITE), 1);
		import_new(buffer, timeline, 2, usages[i]);
		EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_WRITE), 1);
		MUST(timeline_increase(timeline, 1));
		EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_WRITE);
		MUST(timeline_increase(timeline, 1));
		EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_WRITE);
	}
}

CASE(not_replaced, "fence.buffer.import-earlier", CATALOGUE("ESF-10"), CLASS(IMPL),
     STATEMENT("An earlier fence does not take a later one's place, nor one of another timeline "
	       "any other's."),
     REPLACE_SOURCE, SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size());
	int timeline = MUST(timeline_open()), other = MUST(timeline_open());

	import_new(buffer, timeline, 2, DMA_BUF_SYNC_WRITE);
	import_new(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_WRITE), 2);
	import_new(buffer, other, 3, DMA_BUF_SYNC_WRITE);
	EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_WRITE), 3);
	MUST(timeline_increase(timeline, 1));
	MUST(timeline_increase(other, 3));
	EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_READ);
	EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_READ), 1);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_RW);
}

CASE(read_after_write, "fence.buffer.import-read-after-write", CATALOGUE("ESF-10"), CLASS(IMPL),
     STATEMENT("A later fence for READ does not take the place of one for WRITE; the other way "
	       "round it does."),
     REPLACE_SOURCE, SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int written = heap_buffer(page_size()), read = heap_buffer(page_size());
	int timeline = MUST(timeline_open());

	import_new(written, timeline, 1, DMA_BUF_SYNC_WRITE);
	import_new(written, timeline, 2, DMA_BUF_SYNC_READ);
	import_new(read, timeline, 1, DMA_BUF_SYNC_READ);
	import_new(read, timeline, 2, DMA_BUF_SYNC_WRITE);
	EXPECT_EQ(export_count(written, DMA_BUF_SYNC_WRITE), 2);
	EXPECT_EQ(export_count(read, DMA_BUF_SYNC_WRITE), 1);
	EXPECT_EXPORT_PENDING(written, DMA_BUF_SYNC_READ);
	EXPECT_EXPORT_PENDING(read, DMA_BUF_SYNC_READ);
	MUST(timeline_increase(timeline, 1));
	/* What was written is there to be read, and may not be written yet. */
	EXPECT_EXPORT_SIGNALLED(written, DMA_BUF_SYNC_READ);
	EXPECT_EXPORT_PENDING(written, DMA_BUF_SYNC_WRITE);
	EXPECT_EXPORT_PENDING(read, DMA_BUF_SYNC_READ);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EXPORT_SIGNALLED(written, DMA_BUF_SYNC_WRITE);
	EXPECT_EXPORT_SIGNALLED(read, DMA_BUF_SYNC_WRITE);
}

CASE(read_only, "fence.buffer.read-only-descriptor", CATALOGUE("ESF-04"), CLASS(QUIRK),
     STATEMENT("Export and import for WRITE work on a descriptor that is open for reading alone."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl(), which does not look at f_mode"),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = MUST(heap_allocate(heap_open(O_RDWR), page_size(), O_RDONLY | O_CLOEXEC, 0));
	int timeline = MUST(timeline_open());

	import_new(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_READ);
	EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_WRITE);
}
