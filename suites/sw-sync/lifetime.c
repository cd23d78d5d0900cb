// SPDX-License-Identifier: MIT
/* The end of a timeline, and fences that outlive it or travel between processes. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"
#include "waiter.h"

CASE(close_pending, "fence.timeline.close", CATALOGUE("SW-05"), CLASS(ABI),
     STATEMENT("Closing a timeline signals its pending fences with -ENOENT; those signalled before "
	       "keep their state."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_debugfs_release()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	int done = MUST(timeline_fence(timeline, 1)), pending[2];
	int64_t before, after, done_at;

	MUST(timeline_increase(timeline, 1));
	done_at = fence_timestamp_ns(done);
	for (int i = 0; i < 2; i++)
		pending[i] = MUST(timeline_fence(timeline, 2 + (uint32_t)i));

	before = fence_clock_ns();
	MUST(close(timeline));
	after = fence_clock_ns();
	for (int i = 0; i < 2; i++) {
		int64_t at = fence_timestamp_ns(pending[i]);

		EXPECT_EQ(fence_status(pending[i]), -ENOENT);
		EXPECT_TRUE(before <= at && at <= after);
		EXPECT_EQ(fence_poll(pending[i], POLLIN), POLLIN);
	}
	EXPECT_EQ(fence_status(done), 1);
	EXPECT_EQ(fence_timestamp_ns(done), done_at);
}

struct orphan {
	int timeline;
	int fence;
};

static long poll_without_timeline(void *argument)
{
	struct orphan *orphan = argument;

	close(orphan->timeline);
	return waiter_poll_in(&orphan->fence);
}

CASE(close_wakes, "fence.timeline.close-wakes", CATALOGUE("SW-05"), CLASS(ABI),
     STATEMENT("Closing a timeline wakes those who sleep on its fences."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_debugfs_release()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open());
	struct orphan orphan = {timeline, MUST(timeline_fence(timeline, 1))};
	struct waiter waiter = waiter_start(poll_without_timeline, &orphan);

	EXPECT_ASLEEP(&waiter);
	MUST(close(timeline));
	EXPECT_EQ(waiter_answer(&waiter).result, POLLIN);
}

CASE(outlives, "fence.timeline.fence-outlives", CATALOGUE("SW-06"), CLASS(ABI),
     STATEMENT("A fence's descriptor stays usable after its timeline is closed."),
     SOURCE("drivers/dma-buf/sw_sync.c: timeline_fence_release(), sw_sync_debugfs_release()"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-outlives"));
	int fence = MUST(timeline_fence(timeline, 7)),
	    signalled = MUST(timeline_fence(timeline, 0));
	int other = MUST(timeline_fence(MUST(timeline_open_named("fp-other")), 1));
	int merged;

	MUST(close(timeline));
	EXPECT_EQ(fence_count(fence), 1);
	EXPECT_EQ(fence_count(signalled), 1);
	EXPECT_EQ(fence_status(signalled), 1);
	merged = MUST(fence_merge("after", fence, other));
	EXPECT_EQ(fence_status(merged), 0);
	/* The name's memory is the timeline's: it lives as long as the fences do. */
	EXPECT_EQ(timeline_pending("fp-outlives", NULL), 0);
	MUST(close(fence));
	MUST(close(signalled));
	MUST(close(merged));
	EXPECT_ERRNO(timeline_pending("fp-outlives", NULL), ENOENT);
}

/* Sends `fence` through `socket`, as SCM_RIGHTS. */
static void send_fence(int socket, int fence)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {0};
	char byte = 'f';
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fence, sizeof(fence));
	MUST(sendmsg(socket, &message, 0));
}

static int receive_fence(int socket)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {0};
	char byte;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	int fence;

	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	EXPECT_EQ(recvmsg(socket, &message, 0), 1);
	EXPECT_EQ(control.header.cmsg_type, SCM_RIGHTS);
	memcpy(&fence, CMSG_DATA(&control.header), sizeof(fence));
	return fence;
}

static long receive_and_poll(void *argument)
{
	int fence = receive_fence(*(int *)argument);
	char byte = 'g';

	EXPECT_EQ(fence_status(fence), 0);
	EXPECT_EQ(write(*(int *)argument, &byte, 1), 1);
	return waiter_poll_in(&fence);
}

CASE(passed, "fence.timeline.fence-passed", CATALOGUE("SW-06"), CLASS(ABI),
     STATEMENT("A fence passed to another process with SCM_RIGHTS lives on there and is signalled "
	       "there."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_get_fence(); drivers/dma-buf/sw_sync.c: "
	    "sync_timeline_signal()"),
     NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp-passed")), sockets[2], fence;
	struct waiter waiter;
	char byte = 0;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	/* The process is there before the fence is: it can have it from the socket alone. */
	waiter = waiter_start(receive_and_poll, &sockets[1]);
	fence = MUST(timeline_fence(timeline, 1));
	send_fence(sockets[0], fence);
	MUST(close(fence));
	EXPECT_EQ(read(sockets[0], &byte, 1), 1);
	EXPECT_EQ(timeline_pending("fp-passed", NULL), 1);
	EXPECT_ASLEEP(&waiter);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(waiter_answer(&waiter).result, POLLIN);
	EXPECT_EQ(timeline_pending("fp-passed", NULL), 0);
}

static long status_after_byte(void *argument)
{
	int *fds = argument;
	char byte;

	EXPECT_EQ(fence_status(fds[0]), 0);
	EXPECT_EQ(read(fds[1], &byte, 1), 1);
	return fence_status(fds[0]);
}

CASE(forked, "fence.timeline.fence-forked", CATALOGUE("SW-06"), CLASS(ABI),
     STATEMENT("A forked process shares its parent's fences, and keeps them when the parent closes "
	       "them."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_release()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open()), ends[2], fds[2];
	struct waiter waiter;

	MUST(pipe(ends));
	fds[0] = MUST(timeline_fence(timeline, 1));
	fds[1] = ends[0];
	waiter = waiter_start(status_after_byte, fds);
	EXPECT_ASLEEP(&waiter);
	MUST(close(fds[0]));
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(write(ends[1], "x", 1), 1);
	EXPECT_EQ(waiter_answer(&waiter).result, 1);
}
