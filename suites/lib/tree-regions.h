/* SPDX-License-Identifier: MIT */
/* tree-regions.h - memory that the device tree reserves for others' buffers, and lends meanwhile.
 */
#ifndef FENCEPOST_TREE_REGIONS_H
#define FENCEPOST_TREE_REGIONS_H

#include <stdbool.h>
#include <stddef.h>

#define TREE_REGIONS_MAX 16

struct tree_regions {
	size_t count; /* 0 where there are none, or no device tree */
	char names[TREE_REGIONS_MAX][64];
};

/* The nodes below /reserved-memory that are reusable pools and not the default one. */
void tree_regions_read(struct tree_regions *regions);
bool tree_region_exists(const char *name);

#endif
