// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "dma-debug.h"
#include "ktap.h"

static unsigned long number_of(const char *name)
{
	unsigned long number = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/dma-api/%s", name);
	file = fopen(path, "re");
	EXPECT_TRUE(file != NULL);
	EXPECT_EQ(fscanf(file, "%lu", &number), 1);
	fclose(file);
	return number;
}

unsigned long dma_debug_errors(void)
{
	return number_of("error_count");
}

unsigned long dma_debug_mappings(void)
{
	return number_of("nr_total_entries") - number_of("num_free_entries");
}
