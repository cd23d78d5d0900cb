// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "udmabuf-node.h"
#include "heap.h"
#include "ktap.h"

int udmabuf_open(void)
{
	return MUST(open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
}

int udmabuf_create(int device, int memfd, uint64_t offset, uint64_t size, uint32_t flags)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = flags,
		.offset = offset,
		.size = size,
	};

	return raw_ioctl(device, UDMABUF_CREATE, &create);
}

int udmabuf_create_list(int device, const struct udmabuf_create_item *items, uint32_t count,
			uint32_t flags)
{
	size_t bytes = count * sizeof(items[0]);
	struct udmabuf_create_list *list = malloc(sizeof(*list) + bytes);
	int fd, error;

	EXPECT_TRUE(list != NULL);
	list->flags = flags;
	list->count = count;
	memcpy(list->list, items, bytes);
	fd = raw_ioctl(device, UDMABUF_CREATE_LIST, list);
	error = errno;
	free(list);
	errno = error;
	return fd;
}

int udmabuf_of(int memfd, size_t bytes)
{
	int device = udmabuf_open();
	int fd = MUST(udmabuf_create(device, memfd, 0, bytes, UDMABUF_FLAGS_CLOEXEC));

	MUST(close(device));
	return fd;
}

static long parameter(const char *name, long constant)
{
	char path[80];
	FILE *file;
	long value;

	snprintf(path, sizeof(path), "/sys/module/udmabuf/parameters/%s", name);
	file = fopen(path, "re");
	if (!file)
		return constant;
	EXPECT_EQ(fscanf(file, "%ld", &value), 1);
	fclose(file);
	return value;
}

uint64_t udmabuf_size_limit_bytes(void)
{
	return (uint64_t)parameter("size_limit_mb", 64) * MIB;
}

uint32_t udmabuf_list_limit(void)
{
	return (uint32_t)parameter("list_limit", 1024);
}
