// SPDX-License-Identifier: MIT
/* poll() on a sync_file. */
#define _GNU_SOURCE
#include <poll.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"
#include "waiter.h"

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

CASE(poll_events, "fence.file.poll", CATALOGUE("SF-13"), CLASS(ABI),
     STATEMENT("poll() says POLLIN once the fence is signalled, with an error too, and nothing "
	       "else ever."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_poll()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	int good = MUST(timeline_fence(timeline, 1)), bad = MUST(timeline_fence(timeline, 2));

	EXPECT_EQ(fence_poll(good, ALL), 0);
	EXPECT_EQ(fence_poll(bad, ALL), 0);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(fence_poll(good, ALL), POLLIN);
	EXPECT_EQ(fence_poll(good, POLLOUT), 0);
	EXPECT_EQ(fence_poll(bad, ALL), 0);
	MUST(close(timeline));
	EXPECT_EQ(fence_poll(bad, ALL), POLLIN);
}

CASE(poll_wakes, "fence.file.poll-wakes", CATALOGUE("SF-13"), CLASS(ABI),
     STATEMENT("All who sleep in poll() on one sync_file wake when its fence is signalled."),
     SOURCE("drivers/dma-buf/sync_file.c: fence_check_cb_func()"), NEEDS("sw_sync"))
{
	enum { SLEEPERS = 3 };
	int timeline = MUST(timeline_open()), fence = MUST(timeline_fence(timeline, 1));
	struct waiter sleeper[SLEEPERS];

	for (int i = 0; i < SLEEPERS; i++)
		sleeper[i] = waiter_start(waiter_poll_in, &fence);
	for (int i = 0; i < SLEEPERS; i++)
		EXPECT_ASLEEP(&sleeper[i]);
	MUST(timeline_increase(timeline, 1));
	for (int i = 0; i < SLEEPERS; i++)
		EXPECT_EQ(waiter_answer(&sleeper[i]).result, POLLIN);
}
