// SPDX-License-Identifier: MIT
/* What an increase signals: whom, in which order, who is woken, and what outlives a fence that
 * nobody holds. */
#include <poll.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"
#include "waiter.h"

#define FENCES	16
#define REACHED 11

CASE(increase, "fence.timeline.increase", CATALOGUE("SW-03"), CLASS(ABI),
     STATEMENT("An increase signals every fence up to the new value, in the order of their values, "
	       "and none above."),
     SOURCE("drivers/dma-buf/sw_sync.c: sync_timeline_signal()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-increase")), value = -1;
	int64_t before, after, earlier, at;
	int fence[FENCES + 1];

	/* 7 has no factor in common with 16: the fences are made in a jumbled order. */
	for (int i = 0; i < FENCES; i++) {
		int seqno = i * 7 % FENCES + 1;

		fence[seqno] = MUST(timeline_fence(timeline, (uint32_t)seqno));
	}
	before = fence_clock_ns();
	MUST(timeline_increase(timeline, REACHED));
	after = fence_clock_ns();
	/* sync/info asks each fence, and asking signals one whose value is reached: that it was the
	 * increase is told by the times below. */
	EXPECT_EQ(timeline_pending("fp-increase", &value), FENCES - REACHED);
	EXPECT_EQ(value, REACHED);

	earlier = before;
	for (int seqno = 1; seqno <= REACHED; seqno++) {
		at = fence_timestamp_ns(fence[seqno]);
		if (at < earlier || at > after)
			fp_failf(__FILE__, __LINE__, "the fence's time",
				 "in order, and during the increase",
				 "fence %d at %lld, the one before at %lld, increase from %lld to "
				 "%lld",
				 seqno, (long long)at, (long long)earlier, (long long)before,
				 (long long)after);
		EXPECT_EQ(fence_status(fence[seqno]), 1);
		earlier = at;
	}
	for (int seqno = REACHED + 1; seqno <= FENCES; seqno++) {
		EXPECT_EQ(fence_status(fence[seqno]), 0);
		EXPECT_EQ(fence_timestamp_ns(fence[seqno]), 0);
		EXPECT_EQ(fence_poll(fence[seqno], POLLIN), 0);
	}
}

CASE(wakes, "fence.timeline.increase-wakes", CATALOGUE("SW-03"), CLASS(ABI),
     STATEMENT("An increase wakes those who sleep on a fence that it signals, and nobody else."),
     SOURCE("drivers/dma-buf/sw_sync.c: sync_timeline_signal(); drivers/dma-buf/sync_file.c: "
	    "sync_file_poll()"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	int near = MUST(timeline_fence(timeline, 1)), far = MUST(timeline_fence(timeline, 2));
	struct waiter for_near = waiter_start(waiter_poll_in, &near);
	struct waiter for_far = waiter_start(waiter_poll_in, &far);

	EXPECT_ASLEEP(&for_near);
	EXPECT_ASLEEP(&for_far);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(waiter_answer(&for_near).result, POLLIN);
	EXPECT_ASLEEP(&for_far);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(waiter_answer(&for_far).result, POLLIN);
}

CASE(closed_before, "fence.timeline.fence-closed-early", CATALOGUE("SW-09"), CLASS(ABI),
     STATEMENT("A fence whose last descriptor is closed before its time is forgotten; the others "
	       "signal as ever."),
     SOURCE("drivers/dma-buf/sw_sync.c: timeline_fence_release(), sync_timeline_signal()"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-forget"));
	int fence[FENCES + 1];

	for (int seqno = 1; seqno <= FENCES; seqno++)
		fence[seqno] = MUST(timeline_fence(timeline, (uint32_t)seqno));
	EXPECT_EQ(timeline_pending("fp-forget", NULL), FENCES);
	for (int seqno = 1; seqno <= FENCES; seqno += 2)
		MUST(close(fence[seqno]));
	EXPECT_EQ(timeline_pending("fp-forget", NULL), FENCES / 2);

	for (int reached = 1; reached <= FENCES; reached++) {
		MUST(timeline_increase(timeline, 1));
		for (int seqno = 2; seqno <= FENCES; seqno += 2)
			EXPECT_EQ(fence_status(fence[seqno]), seqno <= reached);
	}
	EXPECT_EQ(timeline_pending("fp-forget", NULL), 0);
}

CASE(shared, "fence.timeline.same-value-shared", CATALOGUE("SW-07"), CLASS(IMPL),
     STATEMENT("Fences made with one value are one fence while any of them is alive, and a new one "
	       "afterwards."),
     SOURCE("drivers/dma-buf/sw_sync.c: sync_pt_create()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-shared"));
	int first = MUST(timeline_fence(timeline, 3)), second = MUST(timeline_fence(timeline, 3));

	EXPECT_TRUE(first != second);
	EXPECT_EQ(timeline_pending("fp-shared", NULL), 1);
	MUST(close(first));
	EXPECT_EQ(timeline_pending("fp-shared", NULL), 1);
	EXPECT_EQ(fence_status(second), 0);
	MUST(close(second));
	EXPECT_EQ(timeline_pending("fp-shared", NULL), 0);

	first = MUST(timeline_fence(timeline, 3));
	second = MUST(timeline_fence(timeline, 3));
	EXPECT_EQ(timeline_pending("fp-shared", NULL), 1);
	MUST(timeline_increase(timeline, 3));
	EXPECT_EQ(fence_status(first), 1);
	EXPECT_EQ(fence_timestamp_ns(first), fence_timestamp_ns(second));
}
