// SPDX-License-Identifier: MIT
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "cma-area.h"

/* mm/cma_sysfs.c since 5.13; mm/cma_debug.c, which wrote "cma-" before the name up to 5.10. */
static const struct {
	const char *pattern;
	const char *prefix;
} places[] = {
	{"/sys/kernel/mm/cma/*", ""},
	{"/sys/kernel/debug/cma/cma-*", "cma-"},
	{"/sys/kernel/debug/cma/*", ""},
};

void cma_areas_read(struct cma_areas *areas)
{
	glob_t found;

	areas->count = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !areas->count; i++) {
		if (glob(places[i].pattern, 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc && areas->count < CMA_AREAS_MAX; j++) {
			const char *name = strrchr(found.gl_pathv[j], '/') + 1;

			snprintf(areas->names[areas->count++], sizeof(areas->names[0]), "%s",
				 name + strlen(places[i].prefix));
		}
		globfree(&found);
	}
}

bool cma_area_exists(const char *name)
{
	struct cma_areas areas;

	cma_areas_read(&areas);
	for (unsigned int i = 0; i < areas.count; i++)
		if (!strcmp(areas.names[i], name))
			return true;
	return false;
}
