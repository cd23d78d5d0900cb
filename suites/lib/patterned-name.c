// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "fdinfo.h"
#include "heap.h"
#include "ktap.h"
#include "patterned-name.h"

/* No letter has another's length, so a mixture of two names is neither. */
#define FIRST_LENGTH 6

_Static_assert(FIRST_LENGTH + PATTERNED_NAMES - 1 < DMA_BUF_NAME_LEN, "the longest name fits");

static void make(char *to, unsigned int which)
{
	size_t length = FIRST_LENGTH + which;

	memset(to, 'A' + (int)which, length);
	to[length] = '\0';
}

void patterned_name_set(int buffer, unsigned int which)
{
	char name[DMA_BUF_NAME_LEN];

	make(name, which);
	MUST(raw_ioctl(buffer, DMA_BUF_SET_NAME_B, name));
}

static void check(const char *where, const char *name)
{
	char whole[DMA_BUF_NAME_LEN] = "";

	if (*name >= 'A' && *name < 'A' + PATTERNED_NAMES)
		make(whole, (unsigned int)(*name - 'A'));
	if (strcmp(name, whole))
		fp_failf(__FILE__, __LINE__, where, *whole ? whole : "no name", "%s", name);
}

void patterned_name_in_link(int buffer)
{
	static const char begin[] = "/dmabuf:";
	char path[64], target[128] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", buffer);
	MUST(readlink(path, target, sizeof(target) - 1));
	if (strncmp(target, begin, strlen(begin)))
		fp_failf(__FILE__, __LINE__, path, "/dmabuf:NAME", "%s", target);
	check("the link in /proc/self/fd", target + strlen(begin));
}

void patterned_name_in_fdinfo(int buffer)
{
	struct fdinfo info;

	fdinfo_read(buffer, &info);
	if (info.named)
		check("the name in fdinfo", info.name);
}

void patterned_names_in_bufinfo(void)
{
	FILE *file = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	char line[256];

	EXPECT_TRUE(file);
	/* drivers/dma-buf/dma-buf.c: dma_buf_debug_show(): a buffer's name ends its line. */
	while (fgets(line, sizeof(line), file)) {
		char *name = strrchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (name && *line >= '0' && *line <= '9' && name[1] >= 'A' &&
		    name[1] < 'A' + PATTERNED_NAMES)
			check("a name in bufinfo", name + 1);
	}
	fclose(file);
}
