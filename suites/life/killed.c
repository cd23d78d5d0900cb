// SPDX-License-Identifier: MIT
/* killed.c - processes that are killed with buffers in their hands. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "buffer-fence.h"
#include "child.h"
#include "fence.h"
#include "heap.h"
#include "holdings.h"
#include "life.h"
#include "memory.h"
#include "waiter.h"

#define EXIT_SOURCE                                                                                \
	"kernel/exit.c: do_exit(), exit_mm(), exit_files(); drivers/dma-buf/dma-buf.c: "           \
	"dma_buf_release()"
#define BUFFERS 8

/* Buffers held in every way there is: by descriptors, by mappings, by both, in a socket. */
static void hold_buffers(void *of)
{
	const size_t size = *(const size_t *)of;

	for (int i = 0; i < BUFFERS; i++) {
		int fd = heap_buffer(size), ends[2];

		if (i & 1)
			life_fill(buffer_map(fd, size), size, 0x61);
		if (i & 2)
			MUST(dup(fd));
		if (i & 4) {
			MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
			life_send(ends[0], &fd, 1);
		}
		if (i & 1)
			MUST(close(fd));
	}
}

CASE(killed, "life.killed", CATALOGUE("LIFE-10"), CLASS(ABI),
     STATEMENT("All buffers of a process that is killed are freed, by whatever it held them."),
     SOURCE(EXIT_SOURCE), NEEDS("heap"))
{
	struct holdings before = holdings_now();
	size_t size = MIB;

	for (int round = 0; round < 4; round++) {
		pid_t child = child_keeping(hold_buffers, &size);

		EXPECT_BUFFERS_MORE(&before, BUFFERS);
		child_kill(child);
		EXPECT_HOLDINGS_BACK(&before);
	}
}

struct busy {
	int buffer;
	int fence; /* pending */
	uint64_t sync_flags;
};

/* In the waiter's process: a buffer of its own, mapped, with the pending fence on it. */
static void make_busy(struct busy *busy)
{
	busy->buffer = heap_buffer(MIB);
	life_fill(buffer_map(busy->buffer, MIB), MIB, 0x62);
	MUST(buffer_import_fence(busy->buffer, busy->fence, DMA_BUF_SYNC_WRITE));
}

static long sync_busy(void *argument)
{
	struct busy *busy = argument;

	make_busy(busy);
	return buffer_sync(busy->buffer, busy->sync_flags);
}

static long poll_busy(void *argument)
{
	struct busy *busy = argument;

	make_busy(busy);
	return waiter_poll_in(&busy->buffer);
}

CASE(killed_waiting, "life.killed-waiting", CATALOGUE("LIFE-10"), CLASS(ABI),
     STATEMENT("A process killed while SYNC waits for a fence gives its buffer back, though the "
	       "fence is pending still."),
     SOURCE(EXIT_SOURCE "; dma_buf_begin_cpu_access(), whose wait a signal ends"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	static const uint64_t directions[] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE,
					      DMA_BUF_SYNC_RW};
	int timeline = MUST(timeline_open());
	struct busy busy = {.fence = MUST(timeline_fence(timeline, 1))};
	struct holdings before = holdings_now();

	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		struct waiter waiter;

		fp_context("START for direction %llu", (unsigned long long)directions[i]);
		busy.sync_flags = DMA_BUF_SYNC_START | directions[i];
		waiter = waiter_start(sync_busy, &busy);
		EXPECT_BUFFERS_MORE(&before, 1);
		EXPECT_ASLEEP(&waiter);
		child_kill(waiter.pid);
		EXPECT_HOLDINGS_BACK(&before);
		EXPECT_EQ(fence_status(busy.fence), 0);
	}
}

CASE(killed_polling, "life.killed-polling", CATALOGUE("LIFE-10"), CLASS(ABI),
     STATEMENT("A process killed while it polls a buffer gives it back, at the latest when the "
	       "fence signals."),
     SOURCE(EXIT_SOURCE ", dma_buf_poll(), whose callback holds the file"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	int timeline = MUST(timeline_open());
	struct busy busy = {.fence = MUST(timeline_fence(timeline, 1))};
	struct holdings before = holdings_now();
	struct waiter waiter = waiter_start(poll_busy, &busy);

	EXPECT_BUFFERS_MORE(&before, 1);
	EXPECT_ASLEEP(&waiter);
	child_kill(waiter.pid);
	fp_note("with the fence pending, %ld buffer of it lives", live_buffers() - before.buffers);
	EXPECT_EQ(fence_status(busy.fence), 0);
	MUST(timeline_increase(timeline, 1));
	EXPECT_HOLDINGS_BACK(&before);
}
