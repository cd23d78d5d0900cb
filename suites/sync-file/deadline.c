// SPDX-License-Identifier: MIT
/* SYNC_IOC_SET_DEADLINE. */
#include <sys/ioctl.h>

#include "fence.h"
#include "ktap.h"

CASE(deadline, "fence.file.deadline", CATALOGUE("SF-14"), CLASS(ABI),
     STATEMENT("SET_DEADLINE on a merged fence reaches every fence in it."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_set_deadline(); "
	    "drivers/dma-buf/dma-fence-array.c: dma_fence_array_set_deadline()"),
     SINCE("6.12"), NEEDS("sw_sync"))
{
	enum { PARTS = 3 };
	struct sync_set_deadline set = {.deadline_ns = UINT64_C(0x123456789ab)};
	int part[PARTS], timeline = -1, merged = -1;

	for (int i = 0; i < PARTS; i++) {
		timeline = MUST(timeline_open());
		part[i] = MUST(timeline_fence(timeline, 1));
		merged = i ? MUST(fence_merge("", merged, part[i])) : part[i];
	}
	EXPECT_EQ(ioctl(merged, SYNC_IOC_SET_DEADLINE, &set), 0);
	for (int i = 0; i < PARTS; i++) {
		struct sw_sync_get_deadline got = {.fence_fd = part[i]};

		EXPECT_EQ(ioctl(timeline, SW_SYNC_GET_DEADLINE, &got), 0);
		EXPECT_EQ(got.deadline_ns, set.deadline_ns);
	}
}

CASE(deadline_invalid, "fence.file.deadline-invalid", CATALOGUE("SF-14"), CLASS(ABI),
     STATEMENT("SET_DEADLINE with pad set is EINVAL, with a bad pointer EFAULT, and sets nothing "
	       "then."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_set_deadline()"), SINCE("6.12"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open()), fence = MUST(timeline_fence(timeline, 1));
	struct sw_sync_get_deadline got = {.fence_fd = fence};

	for (unsigned int bit = 0; bit < 64; bit++) {
		struct sync_set_deadline set = {.deadline_ns = 1, .pad = UINT64_C(1) << bit};

		EXPECT_ERRNO(ioctl(fence, SYNC_IOC_SET_DEADLINE, &set), EINVAL);
	}
	EXPECT_ERRNO(ioctl(fence, SYNC_IOC_SET_DEADLINE, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_GET_DEADLINE, &got), ENOENT);
}

CASE(deadline_absent, "fence.file.deadline-absent", CATALOGUE("SF-14"), CLASS(ABI),
     STATEMENT("Before SET_DEADLINE was there, it is ENOTTY."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl()"), UNTIL("6.1"), NEEDS("sw_sync"))
{
	struct sync_set_deadline set = {.deadline_ns = 1};

	EXPECT_ERRNO(
		ioctl(MUST(timeline_fence(MUST(timeline_open()), 1)), SYNC_IOC_SET_DEADLINE, &set),
		ENOTTY);
}
