// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ktap.h"
#include "smaps.h"

static void read_field(const char *line, struct mapping *mapping)
{
	if (sscanf(line, "Rss: %lu", &mapping->resident_kib) == 1)
		return;
	if (!strncmp(line, "VmFlags:", strlen("VmFlags:"))) {
		snprintf(mapping->flags, sizeof(mapping->flags), "%s", line + strlen("VmFlags:"));
		mapping->flags[strcspn(mapping->flags, "\n")] = '\0';
	}
}

void mapping_read(const void *at, struct mapping *mapping)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long long start, end, offset;
	bool found = false, inside = false;
	char line[512];

	*mapping = (struct mapping){0};
	EXPECT_TRUE(smaps != NULL);
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%llx-%llx %*4s %llx", &start, &end, &offset) == 3) {
			inside = start == (uintptr_t)at;
			if (inside)
				mapping->offset = offset;
			found |= inside;
		} else if (inside) {
			read_field(line, mapping);
		}
	}
	fclose(smaps);
	EXPECT_TRUE(found);
	EXPECT_TRUE(mapping->flags[0] == ' ');
}
