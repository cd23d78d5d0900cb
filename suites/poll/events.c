// SPDX-License-Identifier: MIT
/* What poll() says of a buffer, at once. */
#define _GNU_SOURCE
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"
#include "ready.h"

CASE(idle, "poll.idle", CATALOGUE("POLL-01"), CLASS(ABI),
     STATEMENT(
	     "A buffer without fences is ready for reading and writing, and never says POLLERR or "
	     "POLLHUP."),
     SOURCE(POLL_SOURCE), NEEDS("heap"))
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int buffer = MUST(
			heap_allocate(heap, 3 * page_size(), (uint32_t)modes[i] | O_CLOEXEC, 0));

		EXPECT_READY(buffer, BOTH);
		/* Without a fence there is nothing that a wait could wait for. */
		EXPECT_EQ(buffer_poll(buffer, POLLIN, -1), POLLIN);
		EXPECT_EQ(buffer_poll(buffer, POLLOUT, -1), POLLOUT);
		EXPECT_READY(MUST(dup(buffer)), BOTH);
	}
}

CASE(past, "poll.past-fences", CATALOGUE("POLL-01"), CLASS(ABI),
     STATEMENT("A buffer whose fences have all signalled, one with an error among them, is ready "
	       "for both."),
     SOURCE(POLL_SOURCE), NEEDS("heap sw_sync fence-import"))
{
	static const uint32_t usages[] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE};
	int buffer = heap_buffer(page_size());

	for (int i = 0; i < 2; i++) {
		int timeline = MUST(timeline_open()), other = MUST(timeline_open());

		fence_buffer(buffer, timeline, 1, usages[i]);
		fence_buffer(buffer, other, 1, usages[i]);
		MUST(timeline_increase(timeline, 1));
		/* Ends its fence with an error. */
		MUST(close(other));
		EXPECT_READY(buffer, BOTH);
	}
}

CASE(others, "poll.other-events", CATALOGUE("POLL-02"), CLASS(IMPL),
     STATEMENT("Asked for nothing, or for neither POLLIN nor POLLOUT, poll() says nothing."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll()"), NEEDS("heap"))
{
	int buffer = heap_buffer(page_size());

	EXPECT_EQ(buffer_poll(buffer, 0, 0), 0);
	for (unsigned int bit = 0; bit < 15; bit++) {
		short event = (short)(1 << bit);

		if (event & BOTH)
			continue;
		fp_context("event 0x%x", (unsigned int)event);
		EXPECT_EQ(buffer_poll(buffer, event, 0), 0);
		EXPECT_EQ(buffer_poll(buffer, (short)(event | POLLIN), 0), POLLIN);
		EXPECT_EQ(buffer_poll(buffer, (short)(event | POLLOUT), 0), POLLOUT);
	}
	EXPECT_EQ(buffer_poll(buffer, ALL_EVENTS & ~BOTH, 0), 0);
}

CASE(read_pending, "poll.read-fence", CATALOGUE("POLL-03"), CLASS(ABI),
     STATEMENT("While a fence for READ is pending, the buffer is ready for reading and not for "
	       "writing."),
     SOURCE(POLL_SOURCE), NEEDS("heap sw_sync fence-import"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());

	fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_READ);
	EXPECT_READY(buffer, POLLIN);
	EXPECT_EQ(buffer_poll(buffer, POLLIN, -1), POLLIN);
	MUST(timeline_increase(timeline, 1));
	EXPECT_READY(buffer, BOTH);
}

CASE(write_pending, "poll.write-fence", CATALOGUE("POLL-04"), CLASS(ABI),
     STATEMENT("While a fence for WRITE, or both, is pending, the buffer is ready for nothing; "
	       "then for both."),
     SOURCE(POLL_SOURCE), NEEDS("heap sw_sync fence-import"))
{
	static const uint32_t writing[] = {DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};

	for (int i = 0; i < 2; i++) {
		int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());

		fence_buffer(buffer, timeline, 1, writing[i]);
		EXPECT_READY(buffer, 0);
		MUST(timeline_increase(timeline, 1));
		EXPECT_READY(buffer, BOTH);
	}
}

CASE(own_fences, "poll.own-fences", CATALOGUE("POLL-04"), CLASS(ABI),
     STATEMENT("A fence of one buffer says nothing of another of the same heap."),
     SOURCE(POLL_SOURCE), NEEDS("heap sw_sync fence-import"))
{
	int fenced = heap_buffer(page_size()), other = heap_buffer(page_size());
	int timeline = MUST(timeline_open());

	fence_buffer(fenced, timeline, 1, DMA_BUF_SYNC_WRITE);
	EXPECT_READY(other, BOTH);
	EXPECT_READY(heap_buffer(page_size()), BOTH);
	EXPECT_READY(MUST(dup(fenced)), 0);
	MUST(timeline_increase(timeline, 1));
	EXPECT_READY(fenced, BOTH);
}

/* A fence for READ and one for WRITE, imported in either order and signalled in either order. */
static void both_pending(int write_imported_first, int write_signals_first)
{
	int buffer = heap_buffer(page_size());
	int read = MUST(timeline_open()), write = MUST(timeline_open());

	fp_context("WRITE %s imported and %s to signal", write_imported_first ? "first" : "last",
		   write_signals_first ? "first" : "last");
	if (write_imported_first)
		fence_buffer(buffer, write, 1, DMA_BUF_SYNC_WRITE);
	fence_buffer(buffer, read, 1, DMA_BUF_SYNC_READ);
	if (!write_imported_first)
		fence_buffer(buffer, write, 1, DMA_BUF_SYNC_WRITE);
	EXPECT_READY(buffer, 0);
	MUST(timeline_increase(write_signals_first ? write : read, 1));
	EXPECT_READY(buffer, write_signals_first ? POLLIN : 0);
	MUST(timeline_increase(write_signals_first ? read : write, 1));
	EXPECT_READY(buffer, BOTH);
}

CASE(both_fences, "poll.read-and-write-fences", CATALOGUE("POLL-05"), CLASS(ABI),
     STATEMENT("With fences for READ and WRITE pending, POLLIN is not reported before the latter "
	       "signals."),
     SOURCE(POLL_SOURCE), NEEDS("heap sw_sync fence-import"))
{
	for (int order = 0; order < 4; order++)
		both_pending(order & 1, order >> 1);
}

/* What POLLIN and POLLOUT have to be, by what is exported at the same moment. */
static int exported_ready(int buffer)
{
	int reader = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
	int writer = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	int ready = (fence_poll(reader, POLLIN) == POLLIN ? POLLIN : 0) |
		    (fence_poll(writer, POLLIN) == POLLIN ? POLLOUT : 0);

	MUST(close(reader));
	MUST(close(writer));
	return ready;
}

CASE(agrees, "poll.agrees-with-export", CATALOGUE("POLL-09"), CLASS(ABI),
     STATEMENT("POLLIN and POLLOUT say at every moment what the sync_files exported for READ and "
	       "WRITE say."),
     SOURCE("include/uapi/linux/dma-buf.h: struct dma_buf_export_sync_file; " POLL_SOURCE),
     NEEDS("heap sw_sync fence-import"))
{
	enum { FENCES = 3, SETS = 27 };
	static const uint32_t usage[] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};

	/* Every choice of usages for three fences, signalled forwards and backwards. */
	for (int set = 0; set < 2 * SETS; set++) {
		int buffer = heap_buffer(page_size()), timeline[FENCES];
		int of[FENCES] = {set % 3, set / 3 % 3, set / 9 % 3};

		fp_context("usages %d %d %d, %s", of[0], of[1], of[2],
			   set < SETS ? "forwards" : "backwards");
		EXPECT_EQ(exported_ready(buffer), BOTH);
		for (int i = 0; i < FENCES; i++) {
			timeline[i] = MUST(timeline_open());
			fence_buffer(buffer, timeline[i], 1, usage[of[i]]);
			EXPECT_READY(buffer, exported_ready(buffer));
		}
		EXPECT_TRUE(!(exported_ready(buffer) & POLLOUT));
		for (int i = 0; i < FENCES; i++) {
			MUST(timeline_increase(timeline[set < SETS ? i : FENCES - 1 - i], 1));
			EXPECT_READY(buffer, exported_ready(buffer));
		}
		EXPECT_READY(buffer, BOTH);
		for (int i = 0; i < FENCES; i++)
			MUST(close(timeline[i]));
		MUST(close(buffer));
	}
}
