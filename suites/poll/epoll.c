// SPDX-License-Identifier: MIT
/* Buffers in an epoll set. */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"
#include "holdings.h"
#include "ready.h"
#include "storm-parts.h"
#include "waiter.h"

static int set_add(int set, int buffer, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = buffer};

	return epoll_ctl(set, EPOLL_CTL_ADD, buffer, &event);
}

/* The events of the only member of `set`, 0 when it has none for us by now. */
static long set_events(int set, int timeout_ms)
{
	struct epoll_event event = {0};

	return MUST(epoll_wait(set, &event, 1, timeout_ms)) == 1 ? (long)event.events : 0;
}

static long wait_for_set(void *argument)
{
	return set_events(*(const int *)argument, -1);
}

CASE(set_idle, "poll.epoll-idle", CATALOGUE("POLL-08"), CLASS(ABI),
     STATEMENT("In an epoll set an idle buffer is ready for both, and says so again until it is "
	       "taken out."),
     SOURCE(POLL_SOURCE), NEEDS("heap"))
{
	int set = MUST(epoll_create1(EPOLL_CLOEXEC)), buffer = heap_buffer(page_size());

	MUST(set_add(set, buffer, EPOLLIN | EPOLLOUT));
	EXPECT_EQ(set_events(set, 0), EPOLLIN | EPOLLOUT);
	EXPECT_EQ(set_events(set, 0), EPOLLIN | EPOLLOUT);
	MUST(epoll_ctl(set, EPOLL_CTL_DEL, buffer, NULL));
	EXPECT_EQ(set_events(set, 0), 0);
	/* A buffer that is closed leaves the set by itself. */
	MUST(set_add(set, buffer, EPOLLIN));
	MUST(close(buffer));
	EXPECT_EQ(set_events(set, 0), 0);
}

CASE(set_wakes, "poll.epoll-wakes", CATALOGUE("POLL-06"), CLASS(ABI),
     STATEMENT("Who sleeps in epoll_wait() on a buffer wakes when its fence signals, "
	       "edge-triggered too."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll_cb()"), NEEDS("heap sw_sync fence-import"))
{
	static const uint32_t modes[] = {0, EPOLLET, EPOLLONESHOT};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int set = MUST(epoll_create1(EPOLL_CLOEXEC)), buffer = heap_buffer(page_size());
		int timeline = MUST(timeline_open());
		struct waiter sleeper;

		fp_context("events 0x%x", (unsigned int)(EPOLLIN | modes[i]));
		fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
		MUST(set_add(set, buffer, EPOLLIN | modes[i]));
		EXPECT_EQ(set_events(set, 0), 0);
		sleeper = waiter_start(wait_for_set, &set);
		EXPECT_ASLEEP(&sleeper);
		MUST(timeline_increase(timeline, 1));
		EXPECT_EQ(waiter_answer(&sleeper).result, EPOLLIN);
	}
}

CASE(set_closed, "poll.epoll-closed-pending", CATALOGUE("POLL-08"), CLASS(ABI),
     STATEMENT("A buffer that is closed while an epoll set waits for its fence is freed after the "
	       "signal."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll_cb(); fs/eventpoll.c: "
	    "eventpoll_release_file()"),
     NEEDS("heap sw_sync debugfs fence-import"))
{
	int set = MUST(epoll_create1(EPOLL_CLOEXEC)), timeline = MUST(timeline_open());
	const struct holdings before = holdings_now();
	int buffer = heap_buffer(page_size());

	fence_buffer(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	MUST(set_add(set, buffer, EPOLLIN | EPOLLOUT));
	EXPECT_EQ(set_events(set, 1), 0);
	MUST(close(buffer));
	MUST(timeline_increase(timeline, 1));
	/* What has been signalled to it first may be the last that is heard of the buffer. */
	set_events(set, 0);
	EXPECT_BUFFERS_MORE(&before, 0);
	EXPECT_EQ(set_events(set, 0), 0);
}

/* The storm's buffers: each place holds a descriptor that any thread may replace at any time. */
enum { PLACES = 4, PENDING_MAX = 5 };

struct sets {
	int set;
	int buffer[PLACES]; /* descriptor numbers that stay; what they refer to does not */
	int timeline;	    /* -1: fences cannot be imported here */
	/* Fences that have not signalled, the last of `value`: kept, because sw_sync itself does
	 * not stand it when the last reference to a fence is put while it signals
	 * (docs/findings.md).
	 */
	int pending[PENDING_MAX];
	int count;
	uint32_t value;
};

/* Any of these may fail, since another thread has just undone what it relies on. */
static void change_set(struct storm_thread *thread)
{
	static const uint32_t modes[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
	struct sets *sets = thread->shared;
	int buffer = sets->buffer[storm_below(thread, PLACES)];
	struct epoll_event event = {
		.events = (storm_below(thread, 2) ? EPOLLIN : EPOLLIN | EPOLLOUT) |
			  modes[storm_below(thread, 4)],
		.data.fd = buffer,
	};

	switch (storm_below(thread, 3)) {
	case 0:
		epoll_ctl(sets->set, EPOLL_CTL_ADD, buffer, &event);
		break;
	case 1:
		epoll_ctl(sets->set, EPOLL_CTL_MOD, buffer, &event);
		break;
	default:
		epoll_ctl(sets->set, EPOLL_CTL_DEL, buffer, &event);
	}
}

/* The last reference to what was there is put by dup3(), unless a call of another thread has it. */
static void replace_buffer(struct storm_thread *thread)
{
	struct sets *sets = thread->shared;
	int place = sets->buffer[storm_below(thread, PLACES)], fresh = heap_buffer(page_size());

	MUST(dup3(fresh, place, O_CLOEXEC));
	MUST(close(fresh));
}

static void wait_on_set(struct storm_thread *thread)
{
	struct sets *sets = thread->shared;
	struct epoll_event events[PLACES];
	int found = MUST(epoll_wait(sets->set, events, PLACES, (int)storm_below(thread, 2)));

	for (int i = 0; i < found; i++)
		EXPECT_EQ(events[i].events & ~(uint32_t)(EPOLLIN | EPOLLOUT), 0);
}

static void signal_all(struct sets *sets)
{
	MUST(timeline_increase(sets->timeline, (uint32_t)sets->count));
	while (sets->count)
		MUST(close(sets->pending[--sets->count]));
}

static void fence_and_signal(struct storm_thread *thread)
{
	struct sets *sets = thread->shared;
	int buffer = sets->buffer[storm_below(thread, PLACES)], fence;

	if (sets->timeline < 0) {
		EXPECT_OK(buffer_poll(buffer, BOTH, 0));
		return;
	}
	fence = sets->pending[sets->count++] = MUST(timeline_fence(sets->timeline, ++sets->value));
	EXPECT_EQ(buffer_import_fence(buffer, fence,
				      storm_below(thread, 2) ? DMA_BUF_SYNC_READ
							     : DMA_BUF_SYNC_WRITE),
		  0);
	if (storm_below(thread, 2))
		buffer_poll(buffer, BOTH, 0);
	if (sets->count == PENDING_MAX || storm_below(thread, 2))
		signal_all(sets);
}

static void storm_on_set(int timeline)
{
	const struct storm_part parts[] = {
		{"add, change and remove", 2, 1000, change_set},
		{"replace buffers", 1, storm_allocations(300), replace_buffer},
		{"wait", 2, STORM_UNTIL_OTHERS_END, wait_on_set},
		{"fence and signal", 1, 500, fence_and_signal},
	};
	const struct holdings before = holdings_now();
	struct sets sets = {.set = MUST(epoll_create1(EPOLL_CLOEXEC)), .timeline = timeline};

	for (int i = 0; i < PLACES; i++)
		sets.buffer[i] = heap_buffer(page_size());
	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &sets);
	if (timeline >= 0)
		signal_all(&sets);
	/* The set works as before. */
	for (int i = 0; i < PLACES; i++)
		epoll_ctl(sets.set, EPOLL_CTL_DEL, sets.buffer[i], NULL);
	EXPECT_EQ(set_events(sets.set, 0), 0);
	for (int i = 0; i < PLACES; i++) {
		EXPECT_READY(sets.buffer[i], BOTH);
		MUST(set_add(sets.set, sets.buffer[i], EPOLLIN));
		EXPECT_EQ(set_events(sets.set, 0), EPOLLIN);
		MUST(close(sets.buffer[i]));
	}
	EXPECT_EQ(set_events(sets.set, 0), 0);
	EXPECT_BUFFERS_MORE(&before, 0);
}

#define STORM_SOURCE                                                                               \
	SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_poll(); fs/eventpoll.c: ep_item_poll(), "       \
	       "eventpoll_release_file(); CVE-2024-38580")

CASE(set_storm, "poll.epoll-storm", CATALOGUE("POLL-08"), CLASS(ABI),
     STATEMENT("Adding to an epoll set, removing, waiting, and putting the last reference to "
	       "buffers at the same time is safe."),
     STORM_SOURCE, NEEDS("heap debugfs"), TIMEOUT(30000))
{
	storm_on_set(-1);
}

CASE(set_storm_fences, "poll.epoll-storm-fences", CATALOGUE("POLL-08"), CLASS(ABI),
     STATEMENT("The same with fences that come and signal all the while."), STORM_SOURCE,
     NEEDS("heap sw_sync debugfs fence-import"), TIMEOUT(30000))
{
	storm_on_set(MUST(timeline_open()));
}
