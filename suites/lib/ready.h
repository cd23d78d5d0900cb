/* SPDX-License-Identifier: MIT */
/* ready.h - what a buffer says at this moment. */
#ifndef FENCEPOST_READY_H
#define FENCEPOST_READY_H

#include <poll.h>
#include <stdint.h>

#define BOTH (POLLIN | POLLOUT)
/* All that a caller may ask for. */
#define ALL_EVENTS                                                                                 \
	(POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND)

#define POLL_SOURCE                                                                                \
	"drivers/dma-buf/dma-buf.c: dma_buf_poll(); Documentation/driver-api/dma-buf.rst: "        \
	"Implicit Fence Poll Support"

/*
 * The case fails unless poll() on `buffer`, without waiting, has exactly these revents: asked for
 * both, for each alone, and for all there are. Each way is asked twice, because asking changes what
 * the kernel waits for.
 */
#define EXPECT_READY(buffer, revents) check_ready(__FILE__, __LINE__, #buffer, (buffer), (revents))
void check_ready(const char *file, int line, const char *expression, int buffer, int revents);

/* poll() for `events`, for at most `timeout_ms` (-1: without end): the revents, or -1 with errno.
 */
int buffer_poll(int buffer, short events, int timeout_ms);

/* A new fence of `timeline` that signals at `value`, imported; the buffer alone holds it. */
void fence_buffer(int buffer, int timeline, uint32_t value, uint32_t usage);

#endif
