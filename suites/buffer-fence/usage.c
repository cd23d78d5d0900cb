// SPDX-License-Identifier: MIT
#include <poll.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "ktap.h"
#include "usage.h"

const uint32_t usages[USAGES] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};

void import_new(int buffer, int timeline, uint32_t value, uint32_t usage)
{
	int fence = MUST(timeline_fence(timeline, value));

	EXPECT_EQ(buffer_import_fence(buffer, fence, usage), 0);
	MUST(close(fence));
}

/* poll() comes first: it is what makes a fence with parts look at them (dma_fence_array). */
static void check_fence(const char *file, int line, const char *expression, int fence,
			const char *expected, int events, int status)
{
	int found_events = fence_poll(fence, POLLIN), found_status = fence_status(fence);

	if (found_events != events || found_status != status)
		fp_failf(file, line, expression, expected, "poll() says 0x%x, FILE_INFO status %d",
			 (unsigned int)found_events, found_status);
}

void check_pending(const char *file, int line, const char *expression, int fence)
{
	check_fence(file, line, expression, fence, "pending: poll() says 0x0, FILE_INFO status 0",
		    0, 0);
}

void check_signalled(const char *file, int line, const char *expression, int fence)
{
	check_fence(file, line, expression, fence, "signalled: poll() says 0x1, FILE_INFO status 1",
		    POLLIN, 1);
}

void check_export(const char *file, int line, const char *expression, int buffer, uint32_t usage,
		  int signalled)
{
	int fence = buffer_export_fence(buffer, usage);

	fp_check_ok(file, line, expression, fence, errno);
	(signalled ? check_signalled : check_pending)(file, line, expression, fence);
	MUST(close(fence));
}

int export_count(int buffer, uint32_t usage)
{
	int fence = MUST(buffer_export_fence(buffer, usage)), count = MUST(fence_count(fence));

	MUST(close(fence));
	return count;
}
