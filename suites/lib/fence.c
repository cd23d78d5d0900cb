// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "fence.h"

#define LINE_BYTES 128

int timeline_open(void)
{
	return open(SW_SYNC_PATH, O_RDWR | O_CLOEXEC);
}

int timeline_open_named(const char *name)
{
	if (prctl(PR_SET_NAME, name))
		return -1;
	return timeline_open();
}

int timeline_fence(int timeline, uint32_t value)
{
	struct sw_sync_create_fence_data data = {.value = value, .name = "fencepost", .fence = -1};

	return ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &data) ? -1 : data.fence;
}

int timeline_increase(int timeline, uint32_t by)
{
	__u32 value = by;

	return ioctl(timeline, SW_SYNC_IOC_INC, &value);
}

/*
 * sync/info (drivers/dma-buf/sync_debug.c: sync_info_debugfs_show()) lists each timeline as "NAME:
 * VALUE", then its unsignalled fences, indented, as "  fence active: SEQNO / VALUE", then an empty
 * line.
 */
int timeline_pending(const char *name, int *value)
{
	FILE *info = fopen(SW_SYNC_INFO_PATH, "re");
	bool inside = false;
	int found = 0, pending = 0, at;
	char line[LINE_BYTES], this_name[LINE_BYTES];

	if (!info)
		return -1;
	while (fgets(line, sizeof(line), info)) {
		if (sscanf(line, "%127[^:\n]: %d", this_name, &at) == 2 && line[0] != ' ') {
			inside = !strcmp(this_name, name);
			found += inside;
			if (inside && value)
				*value = at;
		} else if (line[0] == '\n') {
			inside = false;
		} else if (inside && strstr(line, "fence active")) {
			pending++;
		}
	}
	fclose(info);
	if (found == 1)
		return pending;
	errno = found ? ENOTUNIQ : ENOENT;
	return -1;
}

int fence_merge(const char *name, int a, int b)
{
	struct sync_merge_data data = {.fd2 = b, .fence = -1};

	/* The kernel's rule for a name without an end is a case's business: all 32 bytes may be
	 * filled. */
	memcpy(data.name, name, strnlen(name, sizeof(data.name)));
	return ioctl(a, SYNC_IOC_MERGE, &data) ? -1 : data.fence;
}

int fence_summary(int fence, struct sync_file_info *info)
{
	*info = (struct sync_file_info){0};
	return ioctl(fence, SYNC_IOC_FILE_INFO, info);
}

int fence_details(int fence, struct sync_file_info *info, struct sync_fence_info *details,
		  unsigned int room)
{
	*info = (struct sync_file_info){
		.num_fences = room,
		.sync_fence_info = (uintptr_t)details,
	};
	return ioctl(fence, SYNC_IOC_FILE_INFO, info);
}

int fence_status(int fence)
{
	struct sync_file_info info;

	return fence_summary(fence, &info) ? FENCE_UNREADABLE : info.status;
}

int fence_count(int fence)
{
	struct sync_file_info info;

	return fence_summary(fence, &info) ? -1 : (int)info.num_fences;
}

int64_t fence_timestamp_ns(int fence)
{
	struct sync_fence_info details;
	struct sync_file_info info;

	if (fence_details(fence, &info, &details, 1))
		return -1;
	return (int64_t)details.timestamp_ns;
}

int fence_poll(int fence, short events)
{
	struct pollfd polled = {.fd = fence, .events = events};

	return poll(&polled, 1, 0) < 0 ? -1 : polled.revents;
}

int64_t fence_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
