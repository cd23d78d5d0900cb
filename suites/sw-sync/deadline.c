// SPDX-License-Identifier: MIT
/* SW_SYNC_GET_DEADLINE: what a fence has been told of its deadlines. */
#include <sys/ioctl.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"

static int set_deadline(int fence, uint64_t deadline_ns)
{
	struct sync_set_deadline data = {.deadline_ns = deadline_ns};

	return ioctl(fence, SYNC_IOC_SET_DEADLINE, &data);
}

static int get_deadline(int timeline, int fence, uint64_t *deadline_ns)
{
	struct sw_sync_get_deadline data = {.fence_fd = fence};

	if (ioctl(timeline, SW_SYNC_GET_DEADLINE, &data))
		return -1;
	*deadline_ns = data.deadline_ns;
	return 0;
}

CASE(earliest, "fence.timeline.deadline-earliest", CATALOGUE("SW-10"), CLASS(IMPL),
     STATEMENT("A fence keeps the earliest of its deadlines; one that has none is ENOENT."),
     SOURCE("drivers/dma-buf/sw_sync.c: timeline_fence_set_deadline(), "
	    "sw_sync_ioctl_get_deadline()"),
     SINCE("6.12"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	int fence = MUST(timeline_fence(timeline, 1)), other = MUST(timeline_fence(timeline, 2));
	uint64_t deadline_ns = 0;

	EXPECT_ERRNO(get_deadline(timeline, fence, &deadline_ns), ENOENT);
	MUST(set_deadline(fence, 5000));
	MUST(get_deadline(timeline, fence, &deadline_ns));
	EXPECT_EQ(deadline_ns, 5000);
	MUST(set_deadline(fence, 7000));
	MUST(get_deadline(timeline, fence, &deadline_ns));
	EXPECT_EQ(deadline_ns, 5000);
	MUST(set_deadline(fence, 3000));
	MUST(get_deadline(timeline, fence, &deadline_ns));
	EXPECT_EQ(deadline_ns, 3000);
	EXPECT_ERRNO(get_deadline(timeline, other, &deadline_ns), ENOENT);
}

CASE(invalid, "fence.timeline.deadline-invalid", CATALOGUE("SW-10"), CLASS(IMPL),
     STATEMENT("Asking for a deadline with pad or deadline_ns set, or for what is no fence of "
	       "sw_sync, is EINVAL."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_ioctl_get_deadline()"), SINCE("6.12"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	int fence = MUST(timeline_fence(timeline, 1)),
	    other = MUST(timeline_fence(MUST(timeline_open()), 1));
	struct sw_sync_get_deadline data = {.fence_fd = fence};
	uint64_t deadline_ns;

	/* A deadline is there to be had: nothing but the argument can be wrong. */
	MUST(set_deadline(fence, 5000));
	data.pad = 1;
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_GET_DEADLINE, &data), EINVAL);
	data.pad = 0;
	data.deadline_ns = UINT64_C(1) << 40;
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_GET_DEADLINE, &data), EINVAL);
	data.deadline_ns = 0;
	MUST(ioctl(timeline, SW_SYNC_GET_DEADLINE, &data));
	EXPECT_EQ(data.deadline_ns, 5000);

	EXPECT_ERRNO(get_deadline(timeline, -1, &deadline_ns), EINVAL);
	EXPECT_ERRNO(get_deadline(timeline, timeline, &deadline_ns), EINVAL);
	/* A merged fence is an array, which has no deadline of its own. */
	fence = MUST(fence_merge("", fence, other));
	EXPECT_ERRNO(get_deadline(timeline, fence, &deadline_ns), EINVAL);
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_GET_DEADLINE, NULL), EFAULT);
}
