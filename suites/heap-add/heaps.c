// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <stdio.h>

#include "heaps.h"
#include "ktap.h"
#include "played-device.h"
#include "played-exporter.h"

int count_heaps(void)
{
	DIR *folder = opendir(HEAP_CLASS);
	const struct dirent *entry;
	int count = 0;

	EXPECT_TRUE(folder != NULL);
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

int heap_add(const char *name, uint32_t flags)
{
	struct fencepost_heap wanted = {.flags = flags};

	EXPECT_TRUE(snprintf(wanted.name, sizeof(wanted.name), "%s", name) <
		    (int)sizeof(wanted.name));
	return device_ioctl(FENCEPOST_IOC_HEAP_ADD, &wanted);
}
