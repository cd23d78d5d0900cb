// SPDX-License-Identifier: MIT
/* Making a fence fails, and leaves nothing behind; what sw_sync does not understand. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "fence.h"
#include "ktap.h"

CASE(create_efault, "fence.timeline.create-bad-pointer", CATALOGUE("SW-08"), CLASS(ABI),
     STATEMENT("A fence asked for with a pointer that cannot be read, or not written, is EFAULT "
	       "and leaves nothing."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_ioctl_create_fence()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-efault"));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = MUST(
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct sw_sync_create_fence_data *read_only = (void *)two;
	int open;

	read_only->value = 9;
	MUST(mprotect(two, page, PROT_READ));
	MUST(munmap(two + page, page));
	open = descriptors_open();
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, NULL), EFAULT);
	/* Only its first half is there. */
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, two + page - sizeof(*read_only) / 2),
		     EFAULT);
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, read_only), EFAULT);
	EXPECT_EQ(descriptors_open(), open);
	EXPECT_EQ(timeline_pending("fp-efault", NULL), 0);
	EXPECT_ERRNO(ioctl(timeline, SW_SYNC_IOC_INC, NULL), EFAULT);
	/* The timeline is as good as before. */
	EXPECT_EQ(fence_status(MUST(timeline_fence(timeline, 1))), 0);
	EXPECT_EQ(timeline_pending("fp-efault", NULL), 1);
}

CASE(create_emfile, "fence.timeline.create-full-table", CATALOGUE("SW-08"), CLASS(ABI),
     STATEMENT("A fence asked for when no descriptor is free is EMFILE and leaves nothing."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_ioctl_create_fence()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-emfile"));
	unsigned long limit = descriptors_forbid();

	EXPECT_ERRNO(timeline_fence(timeline, 1), EMFILE);
	descriptors_allow(limit);
	EXPECT_EQ(timeline_pending("fp-emfile", NULL), 0);
	MUST(timeline_fence(timeline, 1));
	EXPECT_EQ(timeline_pending("fp-emfile", NULL), 1);
}

CASE(info_under_load, "fence.timeline.info-under-load", CATALOGUE("SW-11"), CLASS(ABI),
     STATEMENT("debugfs's sync/info can be read while fences are made, signalled and closed, and "
	       "shows the truth after."),
     SOURCE("drivers/dma-buf/sync_debug.c: sync_info_debugfs_show()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-load")), value = -1, stop[2];
	const uint32_t rounds = 200;
	struct pollfd ended;
	int status = -1;
	pid_t reader;

	MUST(pipe(stop));
	reader = MUST(fork());
	if (reader == 0) {
		ended = (struct pollfd){.fd = stop[0], .events = POLLIN};
		close(stop[1]);
		while (MUST(poll(&ended, 1, 0)) == 0)
			EXPECT_TRUE(timeline_pending("fp-load", NULL) >= 0);
		_exit(0);
	}
	for (uint32_t round = 1; round <= rounds; round++) {
		int now = MUST(timeline_fence(timeline, round)),
		    later = MUST(timeline_fence(timeline, round + 1));

		MUST(timeline_increase(timeline, 1));
		EXPECT_EQ(fence_status(now), 1);
		MUST(close(now));
		MUST(close(later));
	}
	MUST(close(stop[1]));
	EXPECT_EQ(MUST(waitpid(reader, &status, 0)), reader);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(timeline_pending("fp-load", &value), 0);
	EXPECT_EQ(value, rounds);
}

CASE(taint, "fence.timeline.taints", CATALOGUE("SW-12"), CLASS(QUIRK),
     STATEMENT("Making a fence taints the kernel with TAINT_SOFTLOCKUP (bit 14 of "
	       "/proc/sys/kernel/tainted)."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_ioctl_create_fence()"), SINCE("7.2"),
     NEEDS("sw_sync"))
{
	const unsigned long softlockup = 1ul << 14;
	char text[32] = "";
	FILE *tainted;

	MUST(timeline_fence(MUST(timeline_open()), 1));
	tainted = fopen("/proc/sys/kernel/tainted", "re");
	EXPECT_TRUE(tainted && fgets(text, sizeof(text), tainted));
	EXPECT_EQ(strtoul(text, NULL, 10) & softlockup, softlockup);
}
