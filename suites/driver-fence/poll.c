// SPDX-License-Identifier: MIT
/* poll() on a buffer with a driver's fences: on 5.10 as well, where programs have none to give it.
 */
#include <string.h>
#include <unistd.h>

#include "driver-fence.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "polled.h"
#include "ready.h"
#include "waiter.h"

CASE(read, "fence.driver.poll-read", CATALOGUE("POLL-03"), CLASS(ABI),
     STATEMENT("While a driver reads, a buffer is ready for reading and not for writing."),
     SOURCE(POLL_SOURCE), NEEDS("heap device"))
{
	int buffer = heap_buffer(page_size());
	uint32_t fence = driver_fence_on(buffer, FENCEPOST_READ);

	EXPECT_READY(buffer, POLLIN);
	EXPECT_EQ(buffer_poll(buffer, POLLIN, -1), POLLIN);
	driver_fence_end(fence);
	EXPECT_READY(buffer, BOTH);
}

CASE(write, "fence.driver.poll-write", CATALOGUE("POLL-04"), CLASS(ABI),
     STATEMENT("While a driver writes, a buffer is ready for nothing; then for both, also when the "
	       "driver failed."),
     SOURCE(POLL_SOURCE), NEEDS("heap device"))
{
	for (int i = 0; i < 2; i++) {
		int buffer = heap_buffer(page_size()), other = heap_buffer(page_size());
		uint32_t fence = driver_fence_on(buffer, FENCEPOST_WRITE);

		fp_context("error %s", i ? "EIO" : "none");
		EXPECT_READY(buffer, 0);
		EXPECT_READY(other, BOTH);
		EXPECT_OK(driver_fence_signal(fence, i ? EIO : 0));
		EXPECT_READY(buffer, BOTH);
	}
}

/* What is said while both are pending is judged after both have ended: up to 5.10 a buffer that is
 * closed before is a BUG. */
CASE(both, "fence.driver.poll-both", CATALOGUE("POLL-05"), CLASS(ABI),
     STATEMENT("With a writer and a reader at work, POLLIN is not reported to one who asks for "
	       "both events either."),
     SOURCE(POLL_SOURCE), NEEDS("heap device"))
{
	static const short asked[] = {BOTH, POLLIN, POLLOUT, BOTH};
	enum { ASKED = sizeof(asked) / sizeof(asked[0]) };
	int buffer = heap_buffer(page_size()), pending[ASKED], reading[ASKED];
	/* Up to 5.10 a writer takes the place of all readers, so it comes first. */
	uint32_t write = driver_fence_on(buffer, FENCEPOST_WRITE),
		 read = driver_fence_on(buffer, FENCEPOST_READ);

	for (int i = 0; i < ASKED; i++)
		pending[i] = buffer_poll(buffer, asked[i], 0);
	driver_fence_end(write);
	for (int i = 0; i < ASKED; i++)
		reading[i] = buffer_poll(buffer, asked[i], 0);
	driver_fence_end(read);
	for (int i = 0; i < ASKED; i++) {
		fp_context("asked for 0x%x", (unsigned int)asked[i]);
		EXPECT_EQ(pending[i], 0);
		EXPECT_EQ(reading[i], asked[i] & POLLIN);
	}
	EXPECT_READY(buffer, BOTH);
}

CASE(wakes, "fence.driver.poll-wakes", CATALOGUE("POLL-06"), CLASS(ABI),
     STATEMENT("All who sleep in poll() on a buffer wake when the driver's fence signals, with an "
	       "error too."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll_cb()"), NEEDS("heap device"))
{
	enum { SLEEPERS = 4 };
	static const short asked[SLEEPERS] = {POLLIN, POLLOUT, BOTH, POLLIN};

	for (int round = 0; round < 2; round++) {
		int buffer = heap_buffer(page_size());
		uint32_t fence = driver_fence_on(buffer, FENCEPOST_WRITE);
		struct waiter sleeper[SLEEPERS];

		for (int i = 0; i < SLEEPERS; i++) {
			sleeper[i] =
				waiter_start(polled_wait, &(struct polled){buffer, asked[i], 0});
			EXPECT_ASLEEP(&sleeper[i]);
		}
		EXPECT_OK(driver_fence_signal(fence, round ? EIO : 0));
		for (int i = 0; i < SLEEPERS; i++) {
			long revents = waiter_answer(&sleeper[i]).result;

			EXPECT_TRUE(revents > 0 && (revents & ~asked[i]) == 0);
		}
	}
}

CASE(last, "fence.driver.poll-last", CATALOGUE("POLL-06"), CLASS(ABI),
     STATEMENT(
	     "A sleeper for writing is woken by the last of several readers, and by none before."),
     SOURCE(POLL_SOURCE), NEEDS("heap device"))
{
	enum { READERS = 3 };
	int buffer = heap_buffer(page_size());
	uint32_t fences[READERS];
	struct waiter sleeper;

	for (int i = 0; i < READERS; i++)
		fences[i] = driver_fence_on(buffer, FENCEPOST_READ);
	sleeper = waiter_start(polled_wait, &(struct polled){buffer, POLLOUT, 0});
	for (int i = 0; i < READERS; i++) {
		EXPECT_ASLEEP(&sleeper);
		EXPECT_EQ(buffer_poll(buffer, POLLIN, 0), POLLIN);
		driver_fence_end(fences[i]);
	}
	EXPECT_EQ(waiter_answer(&sleeper).result, POLLOUT);
}

CASE(closed, "fence.driver.poll-closed", CATALOGUE("POLL-07"), CLASS(ABI),
     STATEMENT("A buffer that was polled in vain and closed while a driver was at work is freed "
	       "when that signals."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll(), dma_buf_release()"),
     NEEDS("heap device debugfs"))
{
	static const short asked[] = {POLLIN, POLLOUT, BOTH};
	const struct holdings before = holdings_now();

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		int buffer = heap_buffer(page_size());
		uint32_t write = driver_fence_on(buffer, FENCEPOST_WRITE),
			 read = driver_fence_on(buffer, FENCEPOST_READ);

		fp_context("asked for 0x%x", (unsigned int)asked[i]);
		EXPECT_EQ(buffer_poll(buffer, asked[i], 1), 0);
		MUST(close(buffer));
		driver_fence_end(write);
		driver_fence_end(read);
		EXPECT_BUFFERS_MORE(&before, 0);
	}
}
