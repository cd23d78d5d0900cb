// SPDX-License-Identifier: MIT
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tree-regions.h"

#define FOLDER "/sys/firmware/devicetree/base/reserved-memory/"

static bool has(const char *node, const char *property)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", node, property);
	return access(path, F_OK) == 0;
}

void tree_regions_read(struct tree_regions *regions)
{
	glob_t found;

	regions->count = 0;
	if (glob(FOLDER "*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc && regions->count < TREE_REGIONS_MAX; i++) {
		const char *node = found.gl_pathv[i];

		if (has(node, "reusable") && !has(node, "linux,cma-default"))
			snprintf(regions->names[regions->count++], sizeof(regions->names[0]), "%s",
				 node + strlen(FOLDER));
	}
	globfree(&found);
}

bool tree_region_exists(const char *name)
{
	struct tree_regions regions;

	tree_regions_read(&regions);
	for (size_t i = 0; i < regions.count; i++)
		if (!strcmp(regions.names[i], name))
			return true;
	return false;
}
