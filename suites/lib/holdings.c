// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "ktap.h"
#include "holdings.h"
#include "memory.h"

/* What a kernel thread gives back (a socket's garbage, a file closed late) takes a while. */
#define WAIT_MS 4000
#define LOOK_MS 10

struct holdings holdings_now(void)
{
	return (struct holdings){.buffers = live_buffers(), .free_bytes = heap_free_bytes()};
}

void holdings_check_buffers(const char *file, int line, const struct holdings *before, long more)
{
	long now = live_buffers();

	for (int waited = 0; now != before->buffers + more && waited < WAIT_MS; waited += LOOK_MS) {
		usleep(LOOK_MS * 1000);
		now = live_buffers();
	}
	if (before->buffers >= 0)
		fp_check_eq(file, line, "dma-bufs in the system, more than before",
			    now - before->buffers, more);
}

void holdings_check_back(const char *file, int line, const struct holdings *before)
{
	holdings_check_buffers(file, line, before, 0);
	memory_check_back(file, line, before->free_bytes);
}
