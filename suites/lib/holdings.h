/* SPDX-License-Identifier: MIT */
/* holdings.h - what the system holds of the subject's buffers, before and after. */
#ifndef FENCEPOST_HOLDINGS_H
#define FENCEPOST_HOLDINGS_H

#include <stdint.h>

struct holdings {
	long buffers;	     /* dma-bufs of the whole system; -1 where debugfs does not tell */
	uint64_t free_bytes; /* heap_free_bytes() */
};

struct holdings holdings_now(void);

/*
 * The case fails unless exactly `more` dma-bufs more than before live within 4 s; where debugfs
 * does not tell, it says nothing.
 */
#define EXPECT_BUFFERS_MORE(before, more)                                                          \
	holdings_check_buffers(__FILE__, __LINE__, (before), (more))
void holdings_check_buffers(const char *file, int line, const struct holdings *before, long more);

/* The case fails unless all is as before within 4 s: the dma-bufs exactly, the memory as
 * EXPECT_MEMORY_BACK() has it. */
#define EXPECT_HOLDINGS_BACK(before) holdings_check_back(__FILE__, __LINE__, (before))
void holdings_check_back(const char *file, int line, const struct holdings *before);

#endif
