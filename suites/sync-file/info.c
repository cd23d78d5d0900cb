// SPDX-License-Identifier: MIT
/* SYNC_IOC_FILE_INFO: counts, buffers, status and times. */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"

#define PARTS  3
#define CANARY 0xa5

struct parts {
	int timelines[PARTS];
	int merged;
};

/* One fence of each of PARTS timelines, called "fp-part", merged. */
static struct parts make_parts(void)
{
	struct parts parts;

	for (int i = 0; i < PARTS; i++) {
		int part;

		parts.timelines[i] = MUST(timeline_open_named("fp-part"));
		part = MUST(timeline_fence(parts.timelines[i], 1));
		parts.merged = i ? MUST(fence_merge("parts", parts.merged, part)) : part;
	}
	return parts;
}

CASE(info_count, "fence.file.info-count", CATALOGUE("SF-09"), CLASS(ABI),
     STATEMENT("FILE_INFO for 0 fences tells how many there are and the status, and needs no "
	       "buffer."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_fence_info(); "
	    "include/uapi/linux/sync_file.h: struct sync_file_info"),
     NEEDS("sw_sync"))
{
	struct parts parts = make_parts();
	/* The buffer's address is bad: it must not be looked at. */
	struct sync_file_info info = {.sync_fence_info = 8, .status = 77};

	EXPECT_EQ(ioctl(parts.merged, SYNC_IOC_FILE_INFO, &info), 0);
	EXPECT_EQ(info.num_fences, PARTS);
	EXPECT_EQ(info.status, 0);
	EXPECT_STR(info.name, "parts");
	for (int i = 0; i < PARTS; i++)
		MUST(timeline_increase(parts.timelines[i], 1));
	EXPECT_EQ(fence_status(parts.merged), 1);
	EXPECT_EQ(fence_count(parts.merged), PARTS);
}

CASE(info_room, "fence.file.info-room", CATALOGUE("SF-09"), CLASS(ABI),
     STATEMENT("FILE_INFO with too little room is EINVAL; with enough it fills as many entries as "
	       "there are fences, no more."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_fence_info(); "
	    "include/uapi/linux/sync_file.h: struct sync_file_info"),
     NEEDS("sw_sync"))
{
	struct parts parts = make_parts();
	struct sync_fence_info details[PARTS + 2];
	struct sync_file_info info;

	for (unsigned int room = 1; room < PARTS; room++) {
		memset(details, CANARY, sizeof(details));
		EXPECT_ERRNO(fence_details(parts.merged, &info, details, room), EINVAL);
		EXPECT_EQ(((unsigned char *)details)[0], CANARY);
	}
	for (unsigned int room = PARTS; room <= PARTS + 2; room++) {
		memset(details, CANARY, sizeof(details));
		EXPECT_EQ(fence_details(parts.merged, &info, details, room), 0);
		EXPECT_EQ(info.num_fences, PARTS);
		EXPECT_EQ(info.status, 0);
		EXPECT_STR(info.name, "parts");
		for (int i = 0; i < PARTS; i++) {
			EXPECT_STR(details[i].driver_name, "sw_sync");
			EXPECT_STR(details[i].obj_name, "fp-part");
			EXPECT_EQ(details[i].status, 0);
			EXPECT_EQ(details[i].flags, 0);
			EXPECT_EQ(details[i].timestamp_ns, 0);
		}
		for (size_t at = PARTS * sizeof(details[0]); at < sizeof(details); at++)
			EXPECT_EQ(((unsigned char *)details)[at], CANARY);
	}
}

/* Signals the parts of a merged fence in this order, and looks at all of them each time. */
static void expect_parts_told(const int order[PARTS])
{
	struct parts parts = make_parts();
	struct sync_fence_info details[PARTS];
	struct sync_file_info info;

	for (int signalled = 0; signalled <= PARTS; signalled++) {
		int told = 0;

		if (signalled)
			MUST(timeline_increase(parts.timelines[order[signalled - 1]], 1));
		MUST(fence_details(parts.merged, &info, details, PARTS));
		EXPECT_EQ(info.status, signalled == PARTS);
		for (int i = 0; i < PARTS; i++) {
			told += details[i].status;
			EXPECT_EQ(details[i].timestamp_ns != 0, details[i].status == 1);
		}
		EXPECT_EQ(told, signalled);
	}
}

CASE(info_parts, "fence.file.info-parts", CATALOGUE("SF-09"), CLASS(ABI),
     STATEMENT("FILE_INFO tells each fence's own status, and of the whole that it is pending until "
	       "all are signalled."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_fence_info(), sync_fill_fence_info()"),
     NEEDS("sw_sync"))
{
	/* Whichever part the whole's status were taken from, it would be wrong in one of these. */
	static const int orders[][PARTS] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		expect_parts_told(orders[i]);
}

CASE(info_einval, "fence.file.info-flags", CATALOGUE("SF-10"), CLASS(ABI),
     STATEMENT("FILE_INFO with flags or pad set is EINVAL."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_fence_info()"), NEEDS("sw_sync"))
{
	struct parts parts = make_parts();

	for (unsigned int bit = 0; bit < 32; bit++) {
		struct sync_file_info flags = {.flags = 1u << bit}, pad = {.pad = 1u << bit};

		EXPECT_ERRNO(ioctl(parts.merged, SYNC_IOC_FILE_INFO, &flags), EINVAL);
		EXPECT_ERRNO(ioctl(parts.merged, SYNC_IOC_FILE_INFO, &pad), EINVAL);
	}
}

CASE(info_efault, "fence.file.info-bad-pointer", CATALOGUE("SF-10"), CLASS(ABI),
     STATEMENT("FILE_INFO with a bad pointer, or a bad pointer to the fences' details, is EFAULT."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_fence_info()"), NEEDS("sw_sync"))
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = MUST(
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct sync_fence_info *cut = (struct sync_fence_info *)(two + page) - (PARTS - 1);
	struct parts parts = make_parts();
	struct sync_file_info info;

	MUST(munmap(two + page, page));
	EXPECT_ERRNO(ioctl(parts.merged, SYNC_IOC_FILE_INFO, NULL), EFAULT);
	EXPECT_ERRNO(fence_details(parts.merged, &info, NULL, PARTS), EFAULT);
	/* There is room for all but the last. */
	EXPECT_ERRNO(fence_details(parts.merged, &info, cut, PARTS), EFAULT);
	MUST(mprotect(two, page, PROT_READ));
	EXPECT_ERRNO(fence_details(parts.merged, &info, (void *)two, PARTS), EFAULT);
	EXPECT_ERRNO(ioctl(parts.merged, SYNC_IOC_FILE_INFO, two), EFAULT);
	EXPECT_EQ(fence_status(parts.merged), 0);
}

CASE(info_times, "fence.file.info-status-time", CATALOGUE("SF-11"), CLASS(ABI),
     STATEMENT("Status is 0, then 1 or an error; the time is 0, then CLOCK_MONOTONIC's when the "
	       "fence was signalled."),
     SOURCE("include/uapi/linux/sync_file.h: struct sync_fence_info; drivers/dma-buf/sync_file.c: "
	    "sync_fill_fence_info(); drivers/dma-buf/dma-fence.c: dma_fence_signal_locked()"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	int good = MUST(timeline_fence(timeline, 1)), bad = MUST(timeline_fence(timeline, 2));
	struct sync_fence_info details;
	struct sync_file_info info;
	int64_t times[4];

	MUST(fence_details(good, &info, &details, 1));
	EXPECT_EQ(info.status, 0);
	EXPECT_EQ(details.status, 0);
	EXPECT_EQ(details.timestamp_ns, 0);
	times[0] = fence_clock_ns();
	MUST(timeline_increase(timeline, 1));
	times[1] = fence_clock_ns();
	EXPECT_EQ(fence_status(bad), 0);
	times[2] = fence_clock_ns();
	MUST(close(timeline));
	times[3] = fence_clock_ns();

	MUST(fence_details(good, &info, &details, 1));
	EXPECT_EQ(info.status, 1);
	EXPECT_EQ(details.status, 1);
	EXPECT_TRUE(times[0] <= (int64_t)details.timestamp_ns &&
		    (int64_t)details.timestamp_ns <= times[1]);
	MUST(fence_details(bad, &info, &details, 1));
	EXPECT_EQ(info.status, -ENOENT);
	EXPECT_EQ(details.status, -ENOENT);
	EXPECT_TRUE(times[2] <= (int64_t)details.timestamp_ns &&
		    (int64_t)details.timestamp_ns <= times[3]);
	EXPECT_EQ(fence_status(bad), -ENOENT);
}

/* A merged fence that ended in an error: the first of its parts did, the others are signalled. */
static int failed_merged_fence(bool armed)
{
	struct parts parts = make_parts();

	/* poll() has the array's parts call back; without it, it looks at them when it is asked. */
	if (armed)
		EXPECT_EQ(fence_poll(parts.merged, POLLIN), 0);
	MUST(close(parts.timelines[0]));
	for (int i = 1; i < PARTS; i++)
		MUST(timeline_increase(parts.timelines[i], 1));
	return parts.merged;
}

static int status_with_details(int fence)
{
	struct sync_fence_info details[PARTS];
	struct sync_file_info info;

	MUST(fence_details(fence, &info, details, PARTS));
	return info.status;
}

CASE(info_error, "fence.file.info-error-merged", CATALOGUE("SF-11"), CLASS(ABI),
     STATEMENT("A merged fence that was waited for tells the error of a part that ended in one, "
	       "with and "
	       "without room for the parts."),
     SOURCE("drivers/dma-buf/dma-fence-array.c: dma_fence_array_set_pending_error(); "
	    "include/uapi/linux/sync_file.h: struct sync_file_info"),
     NEEDS("sw_sync"))
{
	int merged = failed_merged_fence(true);

	EXPECT_EQ(fence_poll(merged, POLLIN), POLLIN);
	EXPECT_EQ(fence_status(merged), -ENOENT);
	EXPECT_EQ(status_with_details(merged), -ENOENT);
}

CASE(info_error_unwaited, "fence.file.info-error-unwaited", CATALOGUE("SF-11"), CLASS(QUIRK),
     STATEMENT("A merged fence that nobody waited for tells a part's error only with room for the "
	       "parts; "
	       "without, it is 1."),
     SOURCE("drivers/dma-buf/dma-fence-array.c: dma_fence_array_signaled(), which clears the error "
	    "that is "
	    "pending"),
     SINCE("6.1"), NEEDS("sw_sync"))
{
	int merged = failed_merged_fence(false);

	EXPECT_EQ(status_with_details(merged), -ENOENT);
	EXPECT_EQ(fence_status(merged), 1);
}
