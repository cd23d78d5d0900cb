// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heaps.h"

static int by_name(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void heaps_list(struct heaps *heaps)
{
	struct dirent **entries;
	int count = scandir("/dev/dma_heap", &entries, visible, by_name);

	heaps->count = 0;
	for (int i = 0; i < count; i++) {
		if (heaps->count < HEAPS_MAX)
			snprintf(heaps->names[heaps->count++], sizeof(heaps->names[0]), "%s",
				 entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

bool heaps_have(const struct heaps *heaps, const char *name)
{
	for (size_t i = 0; i < heaps->count; i++)
		if (!strcmp(heaps->names[i], name))
			return true;
	return false;
}
