// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "ktap.h"
#include "buffer-name.h"
#include "fdinfo.h"
#include "heap.h"

int set_name(int fd, const void *name)
{
	return raw_ioctl(fd, DMA_BUF_SET_NAME_B, name);
}

void make_name(char *to, size_t length, char first)
{
	for (size_t i = 0; i < length; i++)
		to[i] = (char)('!' + (first - '!' + (int)i) % ('~' - '!' + 1));
	to[length] = '\0';
}

void expect_link_name(int fd, const char *name)
{
	char path[64], target[128] = "", expected[128];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_OK(readlink(path, target, sizeof(target) - 1));
	snprintf(expected, sizeof(expected), "/dmabuf:%s", name);
	EXPECT_STR(target, expected);
}

void expect_name(int fd, const char *name)
{
	struct fdinfo info;

	fdinfo_read(fd, &info);
	EXPECT_TRUE(info.named);
	EXPECT_STR(info.name, name);
	expect_link_name(fd, name);
}
