// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "ktap.h"
#include "ready.h"

int buffer_poll(int buffer, short events, int timeout_ms)
{
	struct pollfd polled = {.fd = buffer, .events = events};

	return poll(&polled, 1, timeout_ms) < 0 ? -1 : polled.revents;
}

void check_ready(const char *file, int line, const char *expression, int buffer, int revents)
{
	static const short asked[] = {BOTH, POLLIN,  POLLOUT, ALL_EVENTS,
				      BOTH, POLLOUT, POLLIN,  ALL_EVENTS};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		int found = buffer_poll(buffer, asked[i], 0), expected = revents & asked[i];
		char text[80];

		if (found == expected)
			continue;
		snprintf(text, sizeof(text), "revents 0x%x when asked for 0x%x",
			 (unsigned int)expected, (unsigned int)asked[i]);
		fp_failf(file, line, expression, text, "0x%x", (unsigned int)found);
	}
}

void fence_buffer(int buffer, int timeline, uint32_t value, uint32_t usage)
{
	int fence = MUST(timeline_fence(timeline, value));

	EXPECT_EQ(buffer_import_fence(buffer, fence, usage), 0);
	MUST(close(fence));
}
