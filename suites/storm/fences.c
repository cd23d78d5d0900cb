// SPDX-License-Identifier: MIT
/* Fences that come to a buffer, leave it in sync_files, are merged, waited for and signalled. */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "storm-parts.h"

enum { TIMELINES = 3, AHEAD = 3, KEPT = 8, THREADS = 7, LOST_MS = 5000 };

static const char *const timeline_names[TIMELINES] = {"fp-storm-0", "fp-storm-1", "fp-storm-2"};

/*
 * A fence that may not have signalled. It is kept until it has, because sw_sync itself does not
 * stand it when the last reference to a fence is put while it signals (docs/findings.md).
 */
struct kept {
	int fence; /* 0: none */
	unsigned int timeline;
	uint32_t value;
};

struct traffic {
	int buffer;
	int timeline[TIMELINES];
	atomic_uint value[TIMELINES]; /* at least this far */
	atomic_uint slept;	      /* waits that did not come back at once */
	struct kept kept[THREADS][KEPT];
	unsigned int next[THREADS];
};

/* How long a wait may take before its wake-up counts as lost. */
static int lost_ms(void)
{
	const char *scale = getenv("FENCEPOST_TIMEOUT_SCALE");

	return LOST_MS * (scale && *scale ? atoi(scale) : 1);
}

static uint32_t any_usage(struct storm_thread *thread)
{
	static const uint32_t usages[] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};

	return usages[storm_below(thread, 3)];
}

/* Keeps a reference to a new fence, in the place of an old one that has signalled by now. */
static void keep(struct storm_thread *thread, int fence, unsigned int timeline, uint32_t value)
{
	struct traffic *traffic = thread->shared;
	struct kept *kept = &traffic->kept[thread->index][traffic->next[thread->index]++ % KEPT];

	if (kept->fence) {
		/* The thread that signals runs until all others have ended. */
		while (atomic_load(&traffic->value[kept->timeline]) < kept->value)
			usleep(100);
		MUST(close(kept->fence));
	}
	*kept = (struct kept){MUST(dup(fence)), timeline, value};
}

/* A fence that is pending, or has been signalled a moment ago. */
static int any_fence(struct storm_thread *thread)
{
	struct traffic *traffic = thread->shared;
	unsigned int which = storm_below(thread, TIMELINES);
	uint32_t value = atomic_load(&traffic->value[which]) + 1 + storm_below(thread, AHEAD);
	int fence = MUST(timeline_fence(traffic->timeline[which], value));

	keep(thread, fence, which, value);
	return fence;
}

static void import(struct storm_thread *thread)
{
	struct traffic *traffic = thread->shared;
	int fence = any_fence(thread);

	if (storm_below(thread, 2)) {
		int other = any_fence(thread), both = MUST(fence_merge("storm", fence, other));

		MUST(close(fence));
		MUST(close(other));
		fence = both;
	}
	EXPECT_EQ(buffer_import_fence(traffic->buffer, fence, any_usage(thread)), 0);
	MUST(close(fence));
}

/*
 * Waits for `fd`. When its time is over, poll() looks once more before it returns (fs/select.c:
 * do_poll()), so a wake-up that was lost shows in how long it took.
 */
static void sleep_on(int fd, short events)
{
	struct pollfd polled = {.fd = fd, .events = events};
	int64_t start = fence_clock_ns();
	int ready = MUST(poll(&polled, 1, lost_ms()));

	if (!ready || fence_clock_ns() - start >= lost_ms() * 1000000ll)
		fp_failf(__FILE__, __LINE__, "poll()", "an event", "%s for %d ms",
			 ready ? "no wake-up, though there is one," : "none", lost_ms());
	EXPECT_EQ(polled.revents & ~events, 0);
}

/* The same, and counts who has to sleep. */
static void wait_for(struct traffic *traffic, int fd, short events)
{
	struct pollfd polled = {.fd = fd, .events = events};

	if (MUST(poll(&polled, 1, 0)) == 0)
		atomic_fetch_add(&traffic->slept, 1);
	sleep_on(fd, events);
}

static void export(struct storm_thread *thread)
{
	struct traffic *traffic = thread->shared;
	int fence = MUST(buffer_export_fence(traffic->buffer, any_usage(thread)));

	switch (storm_below(thread, 4)) {
	case 0:
		wait_for(traffic, fence, POLLIN);
		EXPECT_EQ(fence_status(fence), 1);
		break;
	case 1: {
		int other = any_fence(thread), both = MUST(fence_merge("storm", fence, other));

		wait_for(traffic, both, POLLIN);
		MUST(close(other));
		MUST(close(both));
		break;
	}
	case 2:
		EXPECT_EQ(buffer_import_fence(traffic->buffer, fence, any_usage(thread)), 0);
		break;
	default:
		EXPECT_TRUE(MUST(fence_count(fence)) >= 1);
	}
	MUST(close(fence));
}

static void wait_for_buffer(struct storm_thread *thread)
{
	static const short asked[] = {POLLIN, POLLOUT, POLLIN | POLLOUT};
	struct traffic *traffic = thread->shared;

	wait_for(traffic, traffic->buffer, asked[storm_below(thread, 3)]);
}

/* Never quite as fast as the others, so that they do wait. */
static void increase(struct storm_thread *thread)
{
	struct traffic *traffic = thread->shared;
	unsigned int which = storm_below(thread, TIMELINES);

	usleep(storm_below(thread, 300));
	MUST(timeline_increase(traffic->timeline[which], 1));
	atomic_fetch_add(&traffic->value[which], 1);
}

#define STORM_SOURCE                                                                               \
	"drivers/dma-buf/dma-buf.c: dma_buf_poll(), dma_buf_poll_cb(); "                           \
	"drivers/dma-buf/dma-resv.c: "                                                             \
	"dma_resv_add_fence(), dma_resv_get_fences()"

CASE(fences, "storm.fences", CATALOGUE("CONC-05"), CLASS(ABI),
     STATEMENT("Import, export, merge, poll and signal at the same buffer at once: no wake-up is "
	       "lost, nothing left behind."),
     SOURCE(STORM_SOURCE), NEEDS("heap sw_sync debugfs fence-import"), TIMEOUT(30000))
{
	static const struct storm_part parts[] = {
		{"import", 2, 300, import},
		{"export", 2, 250, export},
		{"wait", 2, 200, wait_for_buffer},
		{"signal", 1, STORM_UNTIL_OTHERS_END, increase},
	};
	const struct holdings before = holdings_now();
	struct traffic traffic = {.buffer = heap_buffer(page_size())};

	for (int i = 0; i < TIMELINES; i++)
		traffic.timeline[i] = MUST(timeline_open_named(timeline_names[i]));
	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &traffic);
	fp_note("%u waits were not over at once", atomic_load(&traffic.slept));
	EXPECT_TRUE(atomic_load(&traffic.slept) > 0);
	for (int i = 0; i < TIMELINES; i++)
		MUST(timeline_increase(traffic.timeline[i], AHEAD));
	for (int thread = 0; thread < THREADS; thread++)
		for (int i = 0; i < KEPT; i++)
			if (traffic.kept[thread][i].fence)
				MUST(close(traffic.kept[thread][i].fence));
	wait_for(&traffic, traffic.buffer, POLLIN);
	wait_for(&traffic, traffic.buffer, POLLOUT);
	MUST(close(traffic.buffer));
	for (int i = 0; i < TIMELINES; i++)
		EXPECT_EQ(timeline_pending(timeline_names[i], NULL), 0);
	EXPECT_HOLDINGS_BACK(&before);
}

/* One fence at a time, signalled while its waiter is about to go to sleep. */
struct handover {
	int buffer;
	int timeline;
	atomic_uint imported;  /* the value of the newest fence */
	atomic_uint signalled; /* how far the timeline is */
};

static void import_and_wait(struct storm_thread *thread)
{
	static const short asked[] = {POLLIN, POLLOUT};
	struct handover *handover = thread->shared;
	uint32_t value = atomic_load(&handover->imported) + 1;
	int fence = MUST(timeline_fence(handover->timeline, value));

	EXPECT_EQ(buffer_import_fence(handover->buffer, fence, DMA_BUF_SYNC_WRITE), 0);
	MUST(close(fence));
	atomic_store(&handover->imported, value);
	sleep_on(handover->buffer, asked[storm_below(thread, 2)]);
}

static void signal_soon(struct storm_thread *thread)
{
	struct handover *handover = thread->shared;

	if (atomic_load(&handover->imported) == atomic_load(&handover->signalled))
		return;
	/* About as long as the waiter takes from import() to sleep: too early, in between, too
	 * late. */
	for (volatile unsigned int spin = storm_below(thread, 6000); spin; spin--)
		;
	MUST(timeline_increase(handover->timeline, 1));
	atomic_fetch_add(&handover->signalled, 1);
}

CASE(wake_ups, "storm.wake-ups", CATALOGUE("CONC-05"), CLASS(ABI),
     STATEMENT("A fence that signals while its waiter is about to sleep wakes it, hundreds of "
	       "times over."),
     SOURCE(STORM_SOURCE), NEEDS("heap sw_sync fence-import"), TIMEOUT(30000))
{
	static const struct storm_part parts[] = {
		{"import and wait", 1, 300, import_and_wait},
		{"signal", 1, STORM_UNTIL_OTHERS_END, signal_soon},
	};
	struct handover handover = {
		.buffer = heap_buffer(page_size()),
		.timeline = MUST(timeline_open()),
	};

	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &handover);
	EXPECT_EQ(fence_poll(handover.buffer, POLLIN | POLLOUT), POLLIN | POLLOUT);
}
