// SPDX-License-Identifier: MIT
/* Sleeping in poll() until a buffer is ready. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "polled.h"
#include "ready.h"
#include "waiter.h"

#define NS_PER_MS INT64_C(1000000)

CASE(all_wake, "poll.wakes-all", CATALOGUE("POLL-06"), CLASS(ABI),
     STATEMENT("All who sleep in poll() on a buffer wake when its fence signals, whatever they "
	       "asked for."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll_cb()"), NEEDS("heap sw_sync fence-import"))
{
	enum { SLEEPERS = 6 };
	static const short asked[SLEEPERS] = {POLLIN, POLLOUT, BOTH, POLLOUT, POLLIN, BOTH};
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());
	struct waiter sleeper[SLEEPERS];

	fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	for (int i = 0; i < SLEEPERS; i++)
		sleeper[i] = waiter_start(polled_wait, &(struct polled){buffer, asked[i], 0});
	for (int i = 0; i < SLEEPERS; i++)
		EXPECT_ASLEEP(&sleeper[i]);
	MUST(timeline_increase(timeline, 1));
	for (int i = 0; i < SLEEPERS; i++) {
		long revents = waiter_answer(&sleeper[i]).result;

		/* Who asked for both is woken by the first of two callbacks, and may see one. */
		EXPECT_TRUE(revents > 0 && (revents & ~asked[i]) == 0);
	}
}

/* A sleeper for POLLIN and one for POLLOUT; the buffer's descriptor is theirs alone. */
static void last_relevant(const uint32_t usage[3], int pollin_after)
{
	int buffer = heap_buffer(page_size()), timeline[3];
	struct waiter reader, writer;

	for (int i = 0; i < 3; i++) {
		timeline[i] = MUST(timeline_open());
		fence_buffer(buffer, timeline[i], 1, usage[i]);
	}
	reader = waiter_start(polled_wait, &(struct polled){buffer, POLLIN, 0});
	writer = waiter_start(polled_wait, &(struct polled){buffer, POLLOUT, 0});
	MUST(close(buffer));
	for (int i = 0; i < 3; i++) {
		fp_context("%d have signalled", i);
		EXPECT_ASLEEP(&writer);
		if (i < pollin_after)
			EXPECT_ASLEEP(&reader);
		MUST(timeline_increase(timeline[i], 1));
		if (i + 1 == pollin_after)
			EXPECT_EQ(waiter_answer(&reader).result, POLLIN);
	}
	EXPECT_EQ(waiter_answer(&writer).result, POLLOUT);
}

CASE(last_wakes, "poll.wakes-with-last", CATALOGUE("POLL-06"), CLASS(ABI),
     STATEMENT("A sleeper is released by the last fence that is of interest to it, and by no "
	       "earlier one."),
     SOURCE(POLL_SOURCE), NEEDS("heap sw_sync fence-import"))
{
	last_relevant(
		(const uint32_t[]){DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_WRITE}, 3);
	last_relevant((const uint32_t[]){DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_READ},
		      2);
	last_relevant((const uint32_t[]){DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_READ, DMA_BUF_SYNC_READ},
		      1);
}

CASE(added_later, "poll.fence-added-later", CATALOGUE("POLL-06"), CLASS(ABI),
     STATEMENT("A sleeper waits for fences too that come while it sleeps."), SOURCE(POLL_SOURCE),
     NEEDS("heap sw_sync fence-import"))
{
	int buffer = heap_buffer(page_size());
	int first = MUST(timeline_open()), second = MUST(timeline_open());
	struct waiter sleeper;

	fence_buffer(buffer, first, 1, DMA_BUF_SYNC_WRITE);
	sleeper = waiter_start(polled_wait, &(struct polled){buffer, POLLIN, 0});
	EXPECT_ASLEEP(&sleeper);
	fence_buffer(buffer, second, 1, DMA_BUF_SYNC_WRITE);
	MUST(timeline_increase(first, 1));
	EXPECT_ASLEEP(&sleeper);
	/* The buffer says the same to who asks anew. */
	EXPECT_READY(buffer, 0);
	EXPECT_ASLEEP(&sleeper);
	MUST(timeline_increase(second, 1));
	EXPECT_EQ(waiter_answer(&sleeper).result, POLLIN);
}

/* When the sleeper woke, in ns of CLOCK_MONOTONIC. */
static long time_of_wake(void *argument)
{
	return polled_wait(argument) < 0 ? -1 : (long)fence_clock_ns();
}

CASE(latency, "poll.wakes-soon", CATALOGUE("POLL-06"), CLASS(ABI),
     STATEMENT("A sleeper wakes within a second of the signal, time after time."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll_cb()"), NEEDS("heap sw_sync fence-import"))
{
	enum { ROUNDS = 10, MOST_MS = 1000 };
	const char *scale = getenv("FENCEPOST_TIMEOUT_SCALE");
	int64_t most_ns = MOST_MS * NS_PER_MS * (scale && *scale ? atoi(scale) : 1), worst_ns = 0;
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		struct polled polled = {buffer, round % 2 ? POLLOUT : POLLIN, 0};
		struct waiter sleeper;
		int64_t signal_ns, took_ns;

		fence_buffer(buffer, timeline, round, DMA_BUF_SYNC_WRITE);
		sleeper = waiter_start(time_of_wake, &polled);
		EXPECT_ASLEEP(&sleeper);
		signal_ns = fence_clock_ns();
		MUST(timeline_increase(timeline, 1));
		took_ns = waiter_answer(&sleeper).result - signal_ns;
		EXPECT_TRUE(took_ns >= 0);
		EXPECT_TRUE(took_ns <= most_ns);
		worst_ns = took_ns > worst_ns ? took_ns : worst_ns;
	}
	fp_note("the slowest of %d sleepers woke after %lld us", ROUNDS,
		(long long)worst_ns / 1000);
}

CASE(timeout, "poll.timeout", CATALOGUE("POLL-07"), CLASS(ABI),
     STATEMENT("poll() on a busy buffer gives up after its timeout, not before, and the next one "
	       "works."),
     SOURCE(POLL_SOURCE), NEEDS("heap sw_sync fence-import"))
{
	enum { TIMEOUT_MS = 30, ROUNDS = 3 };
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());

	fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start_ns = fence_clock_ns();

		EXPECT_EQ(buffer_poll(buffer, BOTH, TIMEOUT_MS), 0);
		EXPECT_TRUE(fence_clock_ns() - start_ns >= TIMEOUT_MS * NS_PER_MS);
	}
	MUST(timeline_increase(timeline, 1));
	EXPECT_READY(buffer, BOTH);
}

CASE(closed, "poll.closed-pending", CATALOGUE("POLL-07"), CLASS(ABI),
     STATEMENT("A buffer that was polled in vain and closed while fences were pending is freed "
	       "after the signal."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll() and dma_buf_poll_cb(), who hold the file "
	    "between them; dma_buf_release()"),
     NEEDS("heap sw_sync debugfs fence-import"))
{
	static const short asked[] = {POLLIN, POLLOUT, BOTH};
	const struct holdings before = holdings_now();

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		int read = MUST(timeline_open_named("fp-poll-read"));
		int write = MUST(timeline_open_named("fp-poll-write"));
		int buffer = heap_buffer(page_size());

		fp_context("asked for 0x%x", (unsigned int)asked[i]);
		fence_buffer(buffer, read, 1, DMA_BUF_SYNC_READ);
		fence_buffer(buffer, write, 1, DMA_BUF_SYNC_WRITE);
		EXPECT_EQ(buffer_poll(buffer, asked[i], 1), 0);
		MUST(close(buffer));
		/* Some of them is waited for still; that one's signal must find the buffer there.
		 */
		MUST(timeline_increase(write, 1));
		MUST(timeline_increase(read, 1));
		EXPECT_BUFFERS_MORE(&before, 0);
		EXPECT_EQ(timeline_pending("fp-poll-read", NULL), 0);
		EXPECT_EQ(timeline_pending("fp-poll-write", NULL), 0);
		MUST(close(read));
		MUST(close(write));
	}
}

CASE(closed_timeline, "poll.closed-timeline", CATALOGUE("POLL-07"), CLASS(ABI),
     STATEMENT("The same when it is the end of the timeline that ends the fence."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll_cb(); drivers/dma-buf/sw_sync.c: "
	    "sw_sync_debugfs_release()"),
     NEEDS("heap sw_sync debugfs fence-import"))
{
	const struct holdings before = holdings_now();
	int timeline = MUST(timeline_open()), buffer = heap_buffer(page_size());

	fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	EXPECT_EQ(buffer_poll(buffer, BOTH, 1), 0);
	MUST(close(buffer));
	MUST(close(timeline));
	EXPECT_BUFFERS_MORE(&before, 0);
}

CASE(killed, "poll.sleeper-killed", CATALOGUE("POLL-07"), CLASS(ABI),
     STATEMENT(
	     "A sleeper that is killed leaves nothing behind: the others sleep on, and the buffer "
	     "is freed."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll(), dma_buf_poll_cb()"),
     NEEDS("heap sw_sync debugfs fence-import"))
{
	const struct holdings before = holdings_now();
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());
	struct waiter killed, other;

	fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	killed = waiter_start(polled_wait, &(struct polled){buffer, BOTH, 0});
	EXPECT_ASLEEP(&killed);
	other = waiter_start(polled_wait, &(struct polled){buffer, POLLIN, 0});
	EXPECT_ASLEEP(&other);
	MUST(close(buffer));
	MUST(kill(killed.pid, SIGKILL));
	MUST(waitpid(killed.pid, NULL, 0));
	EXPECT_ASLEEP(&other);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(waiter_answer(&other).result, POLLIN);
	EXPECT_BUFFERS_MORE(&before, 0);
}
