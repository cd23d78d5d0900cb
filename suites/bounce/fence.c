// SPDX-License-Identifier: MIT
/* A device that writes, and says by a fence when it has: what a program sees that waits for it. */
#include <poll.h>
#include <unistd.h>

#include "bounce.h"
#include "buffer-fence.h"
#include "driver-fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "ready.h"
#include "waiter.h"

#define START_READ (DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ)
#define END_READ   (DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ)

#define ORDER_SOURCE                                                                               \
	SOURCE("include/uapi/linux/dma-buf.h: struct dma_buf_sync; drivers/dma-buf/dma-buf.c: "    \
	       "dma_buf_begin_cpu_access()")

/* The device's job: all of `drawing` into the buffer, which it has mapped already. */
static uint32_t device_draws(const struct seen *seen, uint32_t attachment, uint32_t seed,
			     uint32_t delay_ms)
{
	struct seen drawing = see_buffer(seen->bytes);
	struct fencepost_job job = {
		.fence = driver_fence(),
		.flags = FENCEPOST_JOB_IMPLICIT,
		.to = attachment,
		.length = seen->bytes,
		.wait = -1,
		.delay_ms = delay_ms,
	};

	write_cpu(&drawing, seed);
	job.from = device_with(drawing.buffer, FENCEPOST_TO_DEVICE);
	EXPECT_OK(driver_job(job));
	forget_buffer(&drawing);
	return job.fence;
}

CASE(poll_first, "bounce.poll-then-start", CATALOGUE("SYNC-16"), CLASS(ABI),
     STATEMENT("A program that waits in poll() for the device, and then begins its access, sees "
	       "every byte that the device wrote."),
     ORDER_SOURCE, NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL);

	for (uint32_t i = 0; i < 3; i++) {
		uint32_t fence;

		fp_context("round %u", i);
		EXPECT_OK(buffer_sync(seen.buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
		write_cpu(&seen, 110 + i);
		EXPECT_OK(buffer_sync(seen.buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
		fence = device_draws(&seen, attachment, 120 + i, 20);
		EXPECT_EQ(buffer_poll(seen.buffer, POLLIN, 5000), POLLIN);
		EXPECT_EQ(driver_fence_status(fence), 1);
		EXPECT_OK(buffer_sync(seen.buffer, START_READ));
		EXPECT_CPU(&seen, 120 + i);
		EXPECT_OK(buffer_sync(seen.buffer, END_READ));
	}
}

static long start_reading(void *buffer)
{
	return buffer_sync(*(const int *)buffer, START_READ);
}

CASE(start_alone, "bounce.start-that-waits", CATALOGUE("SYNC-16"), CLASS(QUIRK),
     STATEMENT("A START that has to wait for the device has synced before it waits: it shows what "
	       "was there before, and the next one what the device wrote."),
     ORDER_SOURCE, NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL), fence;
	struct waiter waiter;

	EXPECT_OK(buffer_sync(seen.buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	write_cpu(&seen, 130);
	EXPECT_OK(buffer_sync(seen.buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	fence = device_draws(&seen, attachment, 131, FENCEPOST_MAX_DELAY_MS);
	waiter = waiter_start(start_reading, &seen.buffer);
	EXPECT_ASLEEP(&waiter);
	EXPECT_OK(driver_fence_signal(fence, 0));
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
	EXPECT_CPU(&seen, 130);
	EXPECT_OK(buffer_sync(seen.buffer, END_READ));
	EXPECT_OK(buffer_sync(seen.buffer, START_READ));
	EXPECT_CPU(&seen, 131);
	EXPECT_OK(buffer_sync(seen.buffer, END_READ));
}
