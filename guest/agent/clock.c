// SPDX-License-Identifier: MIT
/* What a clone of a template must be told anew: the time, and where its random numbers start. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_ms(void)
{
	return clock_us() / 1000;
}

int clock_set(uint64_t epoch_ns)
{
	struct timespec time = {
		.tv_sec = (time_t)(epoch_ns / 1000000000),
		.tv_nsec = (long)(epoch_ns % 1000000000),
	};

	return clock_settime(CLOCK_REALTIME, &time);
}

int clock_seed(const uint8_t *bytes, size_t length)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[512];
	} pool = {.info = {.entropy_count = (int)length * 8, .buf_size = (int)length}};
	static int fd = -1;

	if (length > sizeof(pool.bytes)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(pool.info.buf, bytes, length);
	if (fd < 0)
		fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	return ioctl(fd, RNDADDENTROPY, &pool) || ioctl(fd, RNDRESEEDCRNG) ? -1 : 0;
}
