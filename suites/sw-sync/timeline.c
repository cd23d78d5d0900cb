// SPDX-License-Identifier: MIT
/* A timeline's value: where it starts, how it grows and wraps, and which fences are behind it. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"

CASE(open_new, "fence.timeline.open-new", CATALOGUE("SW-01"), CLASS(IMPL),
     STATEMENT("Each open of sw_sync is a timeline of its own, with a context of its own, that "
	       "starts at 0."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_debugfs_open()"), NEEDS("sw_sync"))
{
	int first = MUST(timeline_open_named("fp-first")),
	    second = MUST(timeline_open_named("fp-second"));
	int first_one = MUST(timeline_fence(first, 1)),
	    second_one = MUST(timeline_fence(second, 1));
	int value = -1;

	EXPECT_EQ(timeline_pending("fp-first", &value), 1);
	EXPECT_EQ(value, 0);
	EXPECT_EQ(fence_status(MUST(timeline_fence(first, 0))), 1);
	EXPECT_EQ(fence_status(first_one), 0);
	MUST(timeline_increase(first, 1));
	EXPECT_EQ(fence_status(first_one), 1);

	/* What the first did has not moved the second. */
	EXPECT_EQ(fence_status(second_one), 0);
	EXPECT_EQ(timeline_pending("fp-second", &value), 1);
	EXPECT_EQ(value, 0);
	/* Equal seqnos of one context are one fence to a merge: two contexts stay two. */
	second_one = MUST(timeline_fence(second, 2));
	EXPECT_EQ(fence_count(MUST(fence_merge("", MUST(timeline_fence(first, 2)), second_one))),
		  2);
}

CASE(born_signalled, "fence.timeline.born-signalled", CATALOGUE("SW-02"), CLASS(ABI),
     STATEMENT("A fence whose value the timeline has reached already is signalled when it is made; "
	       "a later one is not."),
     SOURCE("drivers/dma-buf/sw_sync.c: sync_pt_create(), timeline_fence_signaled()"),
     NEEDS("sw_sync"))
{
	static const uint32_t reached[] = {0, 1, 4, 5};
	int timeline = MUST(timeline_open_named("fp-born"));
	int later;

	MUST(timeline_increase(timeline, 5));
	for (size_t i = 0; i < sizeof(reached) / sizeof(reached[0]); i++) {
		int64_t before = fence_clock_ns(), signalled, after;
		int fence = MUST(timeline_fence(timeline, reached[i]));

		after = fence_clock_ns();
		signalled = fence_timestamp_ns(fence);
		/* Signalled by being made, not by being asked about: the time tells. */
		EXPECT_TRUE(before <= signalled && signalled <= after);
		EXPECT_EQ(fence_status(fence), 1);
		EXPECT_EQ(fence_poll(fence, POLLIN), POLLIN);
	}
	later = MUST(timeline_fence(timeline, 6));
	EXPECT_EQ(fence_status(later), 0);
	EXPECT_EQ(fence_poll(later, POLLIN), 0);
	EXPECT_EQ(timeline_pending("fp-born", NULL), 1);
}

CASE(increase_zero, "fence.timeline.increase-zero", CATALOGUE("SW-04"), CLASS(IMPL),
     STATEMENT("An increase by 0 succeeds and signals nothing."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_ioctl_inc()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-zero")), value = -1;
	int next = MUST(timeline_fence(timeline, 1));

	EXPECT_EQ(timeline_increase(timeline, 0), 0);
	EXPECT_EQ(timeline_pending("fp-zero", &value), 1);
	EXPECT_EQ(value, 0);
	EXPECT_EQ(fence_status(next), 0);
}

CASE(increase_steps, "fence.timeline.increase-in-steps", CATALOGUE("SW-04"), CLASS(IMPL),
     STATEMENT("An increase by more than INT_MAX passes every value on its way and signals the "
	       "fences there."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_ioctl_inc()"), NEEDS("sw_sync"))
{
	const uint32_t by = UINT32_MAX - 15;
	int timeline = MUST(timeline_open_named("fp-steps")), value = 0;
	int64_t before, after, low_at, high_at;
	int low = MUST(timeline_fence(timeline, 5)), high = MUST(timeline_fence(timeline, INT_MAX));

	before = fence_clock_ns();
	MUST(timeline_increase(timeline, by));
	after = fence_clock_ns();
	/* In one step 5 would come out ahead of the new value, not behind it (32-bit distance). */
	low_at = fence_timestamp_ns(low);
	high_at = fence_timestamp_ns(high);
	EXPECT_TRUE(before <= low_at && low_at <= high_at && high_at <= after);
	EXPECT_EQ(fence_status(low), 1);
	EXPECT_EQ(fence_status(high), 1);
	EXPECT_EQ(timeline_pending("fp-steps", &value), 0);
	EXPECT_EQ((uint32_t)value, by);
}

CASE(wrap, "fence.timeline.wrap", CATALOGUE("SW-04"), CLASS(IMPL),
     STATEMENT("The value wraps at 32 bits, and fences on both sides of the wrap signal in their "
	       "order."),
     SOURCE("drivers/dma-buf/sw_sync.c: timeline_fence_signaled(); include/linux/dma-fence.h: "
	    "__dma_fence_is_later()"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-wrap")), value = -1;
	int before, last, zero, after;
	int64_t increased_at, last_at;

	MUST(timeline_increase(timeline, UINT32_MAX - 3));
	EXPECT_EQ(fence_status(MUST(timeline_fence(timeline, UINT32_MAX - 3))), 1);
	after = MUST(timeline_fence(timeline, 2));
	before = MUST(timeline_fence(timeline, UINT32_MAX - 2));
	zero = MUST(timeline_fence(timeline, 0));
	last = MUST(timeline_fence(timeline, UINT32_MAX));
	EXPECT_EQ(timeline_pending("fp-wrap", NULL), 4);

	MUST(timeline_increase(timeline, 3));
	increased_at = fence_clock_ns();
	/* Signalled in their order, by the increase and not by being asked about: the times tell.
	 */
	last_at = fence_timestamp_ns(last);
	EXPECT_TRUE(fence_timestamp_ns(before) <= last_at && last_at <= increased_at);
	EXPECT_EQ(timeline_pending("fp-wrap", &value), 2);
	EXPECT_EQ(value, -1);
	EXPECT_EQ(fence_status(before), 1);
	EXPECT_EQ(fence_status(last), 1);
	EXPECT_EQ(fence_status(zero), 0);
	EXPECT_EQ(fence_status(after), 0);

	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(fence_status(zero), 1);
	EXPECT_EQ(fence_status(after), 0);
	EXPECT_EQ(timeline_pending("fp-wrap", &value), 1);
	EXPECT_EQ(value, 0);

	MUST(timeline_increase(timeline, 2));
	EXPECT_EQ(timeline_pending("fp-wrap", NULL), 0);
	EXPECT_EQ(fence_status(after), 1);
}
