/* SPDX-License-Identifier: MIT */
/*
 * fence.h - fences under a case's control: sw_sync timelines, and the sync_file ioctls that look at
 * any fence.
 *
 * The functions are as thin as system calls: they return what the kernel returned, -1 with errno
 * set on failure, and a case says with MUST() or EXPECT_ERRNO() what it makes of that. File
 * descriptors are the caller's to close.
 */
#ifndef FENCEPOST_FENCE_H
#define FENCEPOST_FENCE_H

#include <limits.h>
#include <linux/ioctl.h>
#include <linux/sync_file.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

/* sw_sync has no uapi header: its interface is in drivers/dma-buf/sw_sync.c, above
 * SW_SYNC_IOC_CREATE_FENCE. */
#define SW_SYNC_PATH	  "/sys/kernel/debug/sync/sw_sync"
#define SW_SYNC_INFO_PATH "/sys/kernel/debug/sync/info"

struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC		 _IOW('W', 1, __u32)

/* Between 6.1 and 6.12, with SYNC_IOC_SET_DEADLINE; from drivers/dma-buf/sw_sync.c of 6.12. */
struct sw_sync_get_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_GET_DEADLINE _IOWR('W', 2, struct sw_sync_get_deadline)

/* From include/uapi/linux/sync_file.h of 6.12; that of 6.1 does not have it. */
#ifndef SYNC_IOC_SET_DEADLINE
struct sync_set_deadline {
	__u64 deadline_ns;
	__u64 pad;
};

#define SYNC_IOC_SET_DEADLINE _IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)
#endif

/* A new timeline, at 0. It carries the name that the calling thread has (PR_SET_NAME) at this
 * moment. */
int timeline_open(void);
/* The same, after giving the calling thread `name` (15 bytes at most). */
int timeline_open_named(const char *name);
/* A new fence that signals when `timeline` reaches `value`. */
int timeline_fence(int timeline, uint32_t value);
int timeline_increase(int timeline, uint32_t by);
/*
 * How many unsignalled fences debugfs's sync/info lists under the one timeline called `name`; -1
 * with ENOENT when no timeline is called so, with ENOTUNIQ when several are. `value` (may be NULL)
 * gets the timeline's value.
 */
int timeline_pending(const char *name, int *value);

/* Merges two sync_files into a new one. `name` is cut at 32 bytes, and may fill all of them. */
int fence_merge(const char *name, int a, int b);
/* SYNC_IOC_FILE_INFO that asks for no fence's details: `info` gets name, status and number of
 * fences. */
int fence_summary(int fence, struct sync_file_info *info);
/* SYNC_IOC_FILE_INFO with room for `room` fences' details; `info` tells how many there are. */
int fence_details(int fence, struct sync_file_info *info, struct sync_fence_info *details,
		  unsigned int room);

/* What fence_status() returns when SYNC_IOC_FILE_INFO itself failed; no fence's status is this. */
#define FENCE_UNREADABLE INT_MIN
/* 0: pending; 1: signalled; a negative errno: signalled with an error; else FENCE_UNREADABLE, with
 * errno set. */
int fence_status(int fence);
/* Fences inside the sync_file, or -1. */
int fence_count(int fence);
/* When the only fence in the sync_file was signalled, in ns of CLOCK_MONOTONIC; 0 while it is
 * pending; -1 on failure. */
int64_t fence_timestamp_ns(int fence);
/* What poll() says at once when asked for `events`; -1 on failure. */
int fence_poll(int fence, short events);

/* CLOCK_MONOTONIC in ns: the clock of fences' timestamps and deadlines. */
int64_t fence_clock_ns(void);

#endif
