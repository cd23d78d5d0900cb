/* SPDX-License-Identifier: MIT */
/* polled.h - poll() on a dma-buf or sync_file in a process of its own (waiter.h). */
#ifndef FENCEPOST_POLLED_H
#define FENCEPOST_POLLED_H

struct polled {
	int fd;
	short events;
	/* A descriptor that this process, too, has to close for something to happen; 0: none. */
	int closed_first;
};

/* A call for waiter_start(), whose argument is a struct polled: polls without end; the revents. */
long polled_wait(void *argument);

#endif
