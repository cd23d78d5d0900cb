// SPDX-License-Identifier: MIT
/* The names that FILE_INFO reports. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"

static void name_of(int fence, struct sync_file_info *info)
{
	MUST(fence_summary(fence, info));
	/* A name without an end would be read past its field. */
	EXPECT_TRUE(memchr(info->name, '\0', sizeof(info->name)) != NULL);
}

CASE(name_given, "fence.file.name", CATALOGUE("SF-05"), CLASS(ABI),
     STATEMENT("The name given to MERGE is what FILE_INFO reports, cut at 31 bytes."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_merge(), sync_file_get_name()"),
     NEEDS("sw_sync"))
{
	static const char full[] = "0123456789abcdef0123456789abcdef";
	int a = MUST(timeline_fence(MUST(timeline_open()), 1)),
	    b = MUST(timeline_fence(MUST(timeline_open()), 1));
	struct sync_file_info info;
	char expected[32];

	/* 30 and 31 bytes fit, 32 do not; one byte is the shortest. */
	for (size_t length = 30; length <= 32; length++) {
		char name[33];

		snprintf(name, sizeof(name), "%.*s", (int)length, full);
		snprintf(expected, sizeof(expected), "%.31s", name);
		name_of(MUST(fence_merge(name, a, b)), &info);
		EXPECT_STR(info.name, expected);
	}
	name_of(MUST(fence_merge("x", a, b)), &info);
	EXPECT_STR(info.name, "x");
	/* A format's letters mean nothing in a name. */
	name_of(MUST(fence_merge("%s%n", a, b)), &info);
	EXPECT_STR(info.name, "%s%n");
}

/* Reads "PREFIX<context>-<seqno>"; fails the case when the name is not so. */
static void parse_name(int fence, const char *prefix, unsigned long long *context, long long *seqno)
{
	struct sync_file_info info;
	char rebuilt[64];

	name_of(fence, &info);
	EXPECT_EQ(strncmp(info.name, prefix, strlen(prefix)), 0);
	EXPECT_EQ(sscanf(info.name + strlen(prefix), "%llu-%lld", context, seqno), 2);
	snprintf(rebuilt, sizeof(rebuilt), "%s%llu-%lld", prefix, *context, *seqno);
	EXPECT_STR(info.name, rebuilt);
}

CASE(name_made, "fence.file.name-made-up", CATALOGUE("SF-05"), CLASS(ABI),
     STATEMENT("A sync_file without a name is called DRIVER-TIMELINE, then its context, a dash and "
	       "its seqno."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_get_name()"), NEEDS("sw_sync"))
{
	int timeline = MUST(timeline_open_named("fp")), other = MUST(timeline_open_named("fp"));
	int a = MUST(timeline_fence(timeline, 41)), b = MUST(timeline_fence(timeline, 42));
	int c = MUST(timeline_fence(other, 41));
	unsigned long long context, context_b, context_c;
	long long seqno;

	parse_name(a, "sw_sync-fp", &context, &seqno);
	EXPECT_EQ(seqno, 41);
	parse_name(b, "sw_sync-fp", &context_b, &seqno);
	EXPECT_EQ(seqno, 42);
	EXPECT_EQ(context_b, context);
	parse_name(c, "sw_sync-fp", &context_c, &seqno);
	EXPECT_TRUE(context_c != context);
	/* Merged without a name: the one fence that is left is what it is called after. */
	parse_name(MUST(fence_merge("", a, b)), "sw_sync-fp", &context_b, &seqno);
	EXPECT_EQ(context_b, context);
	EXPECT_EQ(seqno, 42);
	parse_name(MUST(fence_merge("", a, c)), "dma_fence_array-unbound", &context_b, &seqno);
	EXPECT_EQ(seqno, 1);
}

static int signalled_fence(const char *timeline_name)
{
	int timeline = MUST(timeline_open_named(timeline_name)),
	    fence = MUST(timeline_fence(timeline, 1));
	struct sync_fence_info details;
	struct sync_file_info info;

	MUST(fence_details(fence, &info, &details, 1));
	EXPECT_STR(details.driver_name, "sw_sync");
	EXPECT_STR(details.obj_name, timeline_name);
	MUST(timeline_increase(timeline, 1));
	return fence;
}

CASE(names_kept, "fence.file.signalled-names-kept", CATALOGUE("SF-12"), CLASS(IMPL),
     STATEMENT("A signalled fence is still reported with its driver's and its timeline's name."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_fill_fence_info()"), UNTIL("6.12"), NEEDS("sw_sync"))
{
	int fence = signalled_fence("fp-kept");
	struct sync_fence_info details;
	struct sync_file_info info;

	MUST(fence_details(fence, &info, &details, 1));
	EXPECT_EQ(details.status, 1);
	EXPECT_STR(details.driver_name, "sw_sync");
	EXPECT_STR(details.obj_name, "fp-kept");
	EXPECT_EQ(strncmp(info.name, "sw_sync-fp-kept", strlen("sw_sync-fp-kept")), 0);
}

CASE(names_detached, "fence.file.signalled-names-detached", CATALOGUE("SF-12"), CLASS(IMPL),
     STATEMENT("A signalled fence is reported as detached-driver and signaled-timeline, whoever "
	       "made it."),
     SOURCE("drivers/dma-buf/dma-fence.c: dma_fence_driver_name(), dma_fence_timeline_name()"),
     SINCE("7.2"), NEEDS("sw_sync"))
{
	int fence = signalled_fence("fp-detached");
	struct sync_fence_info details;
	struct sync_file_info info;

	MUST(fence_details(fence, &info, &details, 1));
	EXPECT_EQ(details.status, 1);
	EXPECT_STR(details.driver_name, "detached-driver");
	EXPECT_STR(details.obj_name, "signaled-timeline");
	/* The made-up name does not fit, and is cut. */
	EXPECT_STR(info.name, "detached-driver-signaled-timeli");
}
