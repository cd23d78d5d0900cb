// SPDX-License-Identifier: MIT
#include <poll.h>
#include <unistd.h>

#include "polled.h"

long polled_wait(void *argument)
{
	const struct polled *polled = argument;
	struct pollfd asked = {.fd = polled->fd, .events = polled->events};

	if (polled->closed_first)
		close(polled->closed_first);
	return poll(&asked, 1, -1) < 0 ? -1 : asked.revents;
}
