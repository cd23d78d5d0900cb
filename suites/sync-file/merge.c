// SPDX-License-Identifier: MIT
/* SYNC_IOC_MERGE: what the merged fence holds, and when it signals. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "fence.h"
#include "ktap.h"
#include "waiter.h"

CASE(merge_new, "fence.file.merge", CATALOGUE("SF-01"), CLASS(ABI),
     STATEMENT("MERGE returns a new close-on-exec descriptor and leaves both inputs as they were."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_merge(); include/uapi/linux/sync_file.h: "
	    "struct sync_merge_data"),
     NEEDS("sw_sync"))
{
	int left = MUST(timeline_open()), right = MUST(timeline_open());
	int a = MUST(timeline_fence(left, 1)), b = MUST(timeline_fence(right, 1));
	int open = descriptors_open(), merged = MUST(fence_merge("merged", a, b));

	EXPECT_TRUE(merged != a && merged != b);
	EXPECT_EQ(descriptors_open(), open + 1);
	EXPECT_EQ(MUST(fcntl(merged, F_GETFD)), FD_CLOEXEC);
	EXPECT_EQ(fence_count(merged), 2);
	EXPECT_EQ(fence_count(a), 1);
	EXPECT_EQ(fence_count(b), 1);

	MUST(timeline_increase(left, 1));
	EXPECT_EQ(fence_status(a), 1);
	EXPECT_EQ(fence_status(b), 0);
	EXPECT_EQ(fence_status(merged), 0);
	MUST(close(merged));
	MUST(timeline_increase(right, 1));
	EXPECT_EQ(fence_status(b), 1);
}

CASE(merge_outlives, "fence.file.merge-outlives-inputs", CATALOGUE("SF-01"), CLASS(ABI),
     STATEMENT("A merged fence signals as it should after both inputs' descriptors are closed."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_merge(); drivers/dma-buf/dma-fence-unwrap.c: "
	    "__dma_fence_unwrap_merge()"),
     NEEDS("sw_sync"))
{
	int left = MUST(timeline_open()), right = MUST(timeline_open());
	int a = MUST(timeline_fence(left, 1)), b = MUST(timeline_fence(right, 1));
	int merged = MUST(fence_merge("merged", a, b));

	MUST(close(a));
	MUST(close(b));
	EXPECT_EQ(fence_count(merged), 2);
	MUST(timeline_increase(right, 1));
	EXPECT_EQ(fence_status(merged), 0);
	MUST(timeline_increase(left, 1));
	EXPECT_EQ(fence_status(merged), 1);
}

CASE(merge_contexts, "fence.file.merge-contexts", CATALOGUE("SF-06"), CLASS(ABI),
     STATEMENT("Fences of different contexts add up; of one context only the latest stays, "
	       "whatever the order."),
     SOURCE("drivers/dma-buf/dma-fence-unwrap.c: __dma_fence_unwrap_merge()"), NEEDS("sw_sync"))
{
	int left = MUST(timeline_open()), right = MUST(timeline_open());
	int early = MUST(timeline_fence(left, 3)), late = MUST(timeline_fence(left, 5));
	int other = MUST(timeline_fence(right, 1));
	int merged[4];

	merged[0] = MUST(fence_merge("", early, late));
	merged[1] = MUST(fence_merge("", late, early));
	merged[2] = MUST(fence_merge("", MUST(fence_merge("", early, other)), late));
	merged[3] = MUST(fence_merge("", late, MUST(fence_merge("", other, early))));
	EXPECT_EQ(fence_count(merged[0]), 1);
	EXPECT_EQ(fence_count(merged[1]), 1);
	EXPECT_EQ(fence_count(merged[2]), 2);
	EXPECT_EQ(fence_count(merged[3]), 2);

	MUST(timeline_increase(right, 1));
	MUST(timeline_increase(left, 4));
	EXPECT_EQ(fence_status(early), 1);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(fence_status(merged[i]), 0);
	MUST(timeline_increase(left, 1));
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(fence_status(merged[i]), 1);
}

CASE(merge_itself, "fence.file.merge-with-itself", CATALOGUE("SF-06"), CLASS(ABI),
     STATEMENT("A fence merged with itself is one fence."),
     SOURCE("drivers/dma-buf/dma-fence-unwrap.c: __dma_fence_unwrap_merge()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	int fence = MUST(timeline_fence(timeline, 1)), merged = MUST(fence_merge("", fence, fence));

	EXPECT_EQ(fence_count(merged), 1);
	EXPECT_EQ(fence_status(merged), 0);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(fence_status(merged), 1);
}

CASE(merge_drops, "fence.file.merge-drops-signalled", CATALOGUE("SF-07"), CLASS(ABI),
     STATEMENT("Inputs that are signalled already are left out of the merged fence."),
     SOURCE("drivers/dma-buf/dma-fence-unwrap.c: __dma_fence_unwrap_merge()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-done")),
	    other = MUST(timeline_open_named("fp-pending"));
	int done = MUST(timeline_fence(timeline, 0)), pending = MUST(timeline_fence(other, 1));
	int merged[2] = {MUST(fence_merge("", done, pending)),
			 MUST(fence_merge("", pending, done))};

	for (int i = 0; i < 2; i++) {
		struct sync_fence_info details;
		struct sync_file_info info;

		MUST(fence_details(merged[i], &info, &details, 1));
		EXPECT_EQ(info.num_fences, 1);
		EXPECT_EQ(info.status, 0);
		EXPECT_STR(details.driver_name, "sw_sync");
		EXPECT_STR(details.obj_name, "fp-pending");
	}
	MUST(timeline_increase(other, 1));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(fence_status(merged[i]), 1);
}

CASE(merge_signalled, "fence.file.merge-all-signalled", CATALOGUE("SF-07"), CLASS(ABI),
     STATEMENT("Merging only signalled fences gives one signalled fence."),
     SOURCE("drivers/dma-buf/dma-fence-unwrap.c: __dma_fence_unwrap_merge()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open()), other = MUST(timeline_open());
	int merged = MUST(
		fence_merge("", MUST(timeline_fence(timeline, 0)), MUST(timeline_fence(other, 0))));

	EXPECT_EQ(fence_count(merged), 1);
	EXPECT_EQ(fence_status(merged), 1);
	EXPECT_EQ(fence_poll(merged, POLLIN), POLLIN);
}

CASE(merge_timestamp, "fence.file.merge-timestamp", CATALOGUE("SF-07"), CLASS(IMPL),
     STATEMENT("The fence that signalled ones are merged into has the time of the latest of them."),
     SOURCE("drivers/dma-buf/dma-fence-unwrap.c: __dma_fence_unwrap_merge(); "
	    "drivers/dma-buf/dma-fence.c: dma_fence_allocate_private_stub()"),
     SINCE("6.1"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open()), other = MUST(timeline_open());
	int early = MUST(timeline_fence(timeline, 1)), late = MUST(timeline_fence(other, 1));
	int64_t early_at, between, late_at;

	MUST(timeline_increase(timeline, 1));
	/* The clock moves between the two, so that their times differ. */
	early_at = fence_timestamp_ns(early);
	for (between = fence_clock_ns(); fence_clock_ns() <= between;)
		;
	MUST(timeline_increase(other, 1));
	late_at = fence_timestamp_ns(late);
	EXPECT_TRUE(0 < early_at && early_at < late_at);
	EXPECT_EQ(fence_timestamp_ns(MUST(fence_merge("", early, late))), late_at);
	EXPECT_EQ(fence_timestamp_ns(MUST(fence_merge("", late, early))), late_at);
	EXPECT_EQ(fence_timestamp_ns(MUST(fence_merge("", early, early))), early_at);
}

CASE(merge_error, "fence.file.merge-forgets-error", CATALOGUE("SF-07"), CLASS(QUIRK),
     STATEMENT("Merging fences that ended in an error gives one that is signalled without: the "
	       "error is lost."),
     SOURCE("drivers/dma-buf/dma-fence-unwrap.c: __dma_fence_unwrap_merge(); "
	    "drivers/dma-buf/dma-fence.c: "
	    "dma_fence_allocate_private_stub()"),
     SINCE("6.1"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open()), other = MUST(timeline_open());
	int a = MUST(timeline_fence(timeline, 1)), b = MUST(timeline_fence(other, 1));

	MUST(close(timeline));
	MUST(close(other));
	EXPECT_EQ(fence_status(a), -ENOENT);
	EXPECT_EQ(fence_status(b), -ENOENT);
	EXPECT_EQ(fence_status(MUST(fence_merge("", a, b))), 1);
}

CASE(merge_last, "fence.file.merge-signals-last", CATALOGUE("SF-08"), CLASS(ABI),
     STATEMENT("A merged fence is pending until the last of its parts signals, and those who sleep "
	       "on it wake then."),
     SOURCE("drivers/dma-buf/dma-fence-array.c: dma_fence_array_cb_func(), "
	    "dma_fence_array_signaled()"),
     NEEDS("sw_sync"))
{
	enum { PARTS = 4 };
	static const int order[PARTS] = {2, 0, 3, 1};
	int timeline[PARTS], merged, asked, waited;
	struct waiter waiter;

	for (int i = 0; i < PARTS; i++) {
		int part;

		timeline[i] = MUST(timeline_open());
		part = MUST(timeline_fence(timeline[i], 1));
		merged = i ? MUST(fence_merge("", merged, part)) : part;
	}
	EXPECT_EQ(fence_count(merged), PARTS);
	/* Two merged fences of the same parts: one that is slept on (its callbacks armed), one that
	 * is only asked. */
	waited = MUST(fence_merge("", merged, merged));
	asked = MUST(fence_merge("", merged, merged));
	EXPECT_EQ(fence_count(asked), PARTS);
	waiter = waiter_start(waiter_poll_in, &waited);
	for (int i = 0; i < PARTS; i++) {
		EXPECT_ASLEEP(&waiter);
		EXPECT_EQ(fence_status(asked), 0);
		EXPECT_EQ(fence_poll(waited, POLLIN), 0);
		MUST(timeline_increase(timeline[order[i]], 1));
	}
	EXPECT_EQ(fence_status(asked), 1);
	EXPECT_EQ(waiter_answer(&waiter).result, POLLIN);
	EXPECT_EQ(fence_poll(waited, POLLIN), POLLIN);
	EXPECT_EQ(fence_status(waited), 1);
}

CASE(merge_chain, "fence.file.merge-chain", CATALOGUE("SF-16"), CLASS(ABI),
     STATEMENT("A long chain of merges stays flat: it holds plain fences, one a context, and "
	       "nothing nested."),
     SOURCE("drivers/dma-buf/dma-fence-unwrap.c: __dma_fence_unwrap_merge()"), SINCE("6.1"),
     NEEDS("sw_sync"))
{
	enum { CONTEXTS = 8, MERGES = 1000 };
	struct sync_fence_info details[CONTEXTS + 1];
	struct sync_file_info info;
	int timeline[CONTEXTS], chain = -1;

	for (int i = 0; i < CONTEXTS; i++)
		timeline[i] = MUST(timeline_open_named("fp-chain"));
	for (int i = 0; i < MERGES; i++) {
		int fence = MUST(timeline_fence(timeline[i % CONTEXTS], (uint32_t)i + 1));
		int longer = i ? MUST(fence_merge("chain", chain, fence)) : MUST(dup(fence));

		if (i)
			MUST(close(chain));
		MUST(close(fence));
		chain = longer;
	}
	MUST(fence_details(chain, &info, details, CONTEXTS + 1));
	EXPECT_EQ(info.num_fences, CONTEXTS);
	for (int i = 0; i < CONTEXTS; i++) {
		EXPECT_STR(details[i].driver_name, "sw_sync");
		EXPECT_STR(details[i].obj_name, "fp-chain");
	}
	for (int i = 0; i < CONTEXTS; i++) {
		EXPECT_EQ(fence_status(chain), 0);
		MUST(timeline_increase(timeline[i], MERGES));
	}
	EXPECT_EQ(fence_status(chain), 1);
}
