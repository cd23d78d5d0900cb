/* SPDX-License-Identifier: MIT */
/* together.h - two processes that make one call each at the same moment. */
#ifndef FENCEPOST_UDMABUF_TOGETHER_H
#define FENCEPOST_UDMABUF_TOGETHER_H

#include <stdint.h>

#include "waiter.h"

struct both {
	struct answer ours, theirs;
};

/*
 * Calls `theirs` in a new process, and `ours` here `delay_ns` later, counted from the moment when
 * both processes were seen running. What each returned, and its errno. `theirs` has copies of all
 * file descriptors, which are closed when this returns.
 */
struct both together(long (*ours)(void *), long (*theirs)(void *), void *argument,
		     uint64_t delay_ns);

#endif
