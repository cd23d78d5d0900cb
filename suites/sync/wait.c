// SPDX-License-Identifier: MIT
/* START waits for the buffer's fences. They are put there by IMPORT_SYNC_FILE, and signalled by a
 * sw_sync timeline. */
#include <signal.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"
#include "waiter.h"

#define WAIT_SOURCE                                                                                \
	SOURCE("drivers/dma-buf/dma-buf.c: __dma_buf_begin_cpu_access(); "                         \
	       "include/uapi/linux/dma-buf.h: struct dma_buf_sync")

/* A buffer with one fence, held by the buffer alone, which signals when `timeline` reaches 1. */
static int fenced_buffer(int timeline, uint32_t usage)
{
	int buffer = heap_buffer(page_size()), fence = MUST(timeline_fence(timeline, 1));

	EXPECT_EQ(buffer_import_fence(buffer, fence, usage), 0);
	MUST(close(fence));
	return buffer;
}

static void expect_waits(uint32_t usage, uint64_t flags)
{
	int timeline = MUST(timeline_open());
	struct buffer_access access = {fenced_buffer(timeline, usage), flags};
	struct waiter waiter = waiter_start(buffer_sync_call, &access);

	EXPECT_ASLEEP(&waiter);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
	/* The fence is behind us: the next one does not wait. */
	waiter = waiter_start(buffer_sync_call, &access);
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
}

/* In another process, so that a call that waits after all is a failure and not the end of the
 * case's time. */
static void expect_passes(uint32_t usage, uint64_t flags)
{
	int timeline = MUST(timeline_open_named("fp-passes"));
	struct buffer_access access = {fenced_buffer(timeline, usage), flags};
	struct waiter waiter = waiter_start(buffer_sync_call, &access);

	EXPECT_EQ(waiter_answer(&waiter).result, 0);
	EXPECT_EQ(timeline_pending("fp-passes", NULL), 1);
	MUST(close(timeline));
	MUST(close(access.buffer));
}

CASE(write_fence, "sync.wait.write-fence", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("START waits for a write fence, whether for READ, WRITE or both."), WAIT_SOURCE,
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	expect_waits(DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	expect_waits(DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	expect_waits(DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	expect_waits(DMA_BUF_SYNC_RW, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
}

CASE(read_fence, "sync.wait.read-fence", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("START for WRITE, or for both, waits for a read fence."), WAIT_SOURCE, SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	expect_waits(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	expect_waits(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
}

CASE(readers, "sync.wait.readers-together", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("START for READ does not wait for a read fence."), WAIT_SOURCE, SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	expect_passes(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
}

CASE(end, "sync.wait.end-never", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("END never waits, whatever fences there are."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_end_cpu_access()"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	expect_passes(DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	expect_passes(DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	expect_passes(DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	expect_passes(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

CASE(all_fences, "sync.wait.all", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("START for WRITE waits until the last of all fences is signalled."), WAIT_SOURCE,
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	enum { FENCES = 3 };
	static const uint32_t usage[FENCES] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE,
					       DMA_BUF_SYNC_READ};
	struct buffer_access access = {heap_buffer(page_size()),
				       DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE};
	int timeline[FENCES];
	struct waiter waiter;

	for (int i = 0; i < FENCES; i++) {
		timeline[i] = MUST(timeline_open());
		EXPECT_EQ(buffer_import_fence(access.buffer, MUST(timeline_fence(timeline[i], 1)),
					      usage[i]),
			  0);
	}
	waiter = waiter_start(buffer_sync_call, &access);
	for (int i = 0; i < FENCES; i++) {
		EXPECT_ASLEEP(&waiter);
		/* Asked for by a process of its own each time, so that none is merely slow to come
		 * back. */
		struct waiter fresh = waiter_start(buffer_sync_call, &access);

		EXPECT_ASLEEP(&fresh);
		MUST(timeline_increase(timeline[i], 1));
		if (i == FENCES - 1)
			EXPECT_EQ(waiter_answer(&fresh).result, 0);
	}
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
}

static long sync_without_timeline(void *argument)
{
	int *fds = argument;

	close(fds[1]);
	return buffer_sync(fds[0], DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
}

CASE(fence_error, "sync.wait.fence-error", CATALOGUE("SYNC-14"), CLASS(IMPL),
     STATEMENT("A START that waits succeeds when the fence it waits for ends in an error."),
     SOURCE("drivers/dma-buf/dma-resv.c: dma_resv_wait_timeout()"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	int timeline = MUST(timeline_open());
	int fds[2] = {fenced_buffer(timeline, DMA_BUF_SYNC_WRITE), timeline};
	struct waiter waiter = waiter_start(sync_without_timeline, fds);

	EXPECT_ASLEEP(&waiter);
	/* Ends its fences with -ENOENT. */
	MUST(close(timeline));
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
}

static int handler_says;

static void say_so(int signal)
{
	(void)signal;
	if (write(handler_says, "s", 1) != 1)
		_exit(1);
}

struct interrupted {
	struct buffer_access access;
	int says;
	int sa_flags;
};

static long sync_with_handler(void *argument)
{
	struct interrupted *interrupted = argument;
	struct sigaction action = {.sa_handler = say_so, .sa_flags = interrupted->sa_flags};

	handler_says = interrupted->says;
	MUST(sigaction(SIGUSR1, &action, NULL));
	return buffer_sync_call(&interrupted->access);
}

/* A process that waits in START and has been interrupted by a signal whose handler has run. */
static struct waiter interrupted_waiter(int timeline, int sa_flags)
{
	struct interrupted interrupted = {
		.access = {fenced_buffer(timeline, DMA_BUF_SYNC_WRITE),
			   DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ},
		.sa_flags = sa_flags,
	};
	struct waiter waiter;
	char said = 0;
	int ends[2];

	MUST(pipe(ends));
	interrupted.says = ends[1];
	waiter = waiter_start(sync_with_handler, &interrupted);
	EXPECT_ASLEEP(&waiter);
	MUST(kill(waiter.pid, SIGUSR1));
	EXPECT_EQ(read(ends[0], &said, 1), 1);
	return waiter;
}

CASE(interrupted, "sync.wait.interrupted", CATALOGUE("SYNC-15"), CLASS(ABI),
     STATEMENT("A START that waits ends with EINTR when a signal is handled without SA_RESTART."),
     SOURCE("drivers/dma-buf/dma-buf.c: __dma_buf_begin_cpu_access(), an interruptible wait"),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	struct waiter waiter = interrupted_waiter(MUST(timeline_open()), 0);
	struct answer answer = waiter_answer(&waiter);

	EXPECT_EQ(answer.result, -1);
	EXPECT_STR(fp_errno_name(answer.error), "EINTR");
}

CASE(restarted, "sync.wait.restarted", CATALOGUE("SYNC-15"), CLASS(ABI),
     STATEMENT("A START that waits goes on waiting after a signal is handled with SA_RESTART."),
     SOURCE("drivers/dma-buf/dma-fence.c: dma_fence_default_wait(), which returns -ERESTARTSYS"),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int timeline = MUST(timeline_open());
	struct waiter waiter = interrupted_waiter(timeline, SA_RESTART);

	EXPECT_ASLEEP(&waiter);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
}
