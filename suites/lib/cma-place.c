// SPDX-License-Identifier: MIT
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cma-place.h"
#include "heap.h"
#include "ion.h"
#include "ktap.h"

#define PLACES_MAX 16
#define FOLDER	   "/sys/kernel/debug/cma/"
/* mm/cma_debug.c up to 5.10: char name[16], "cma-%s". */
#define OLD_PREFIX "cma-"
#define OLD_NAME   11

static bool read_number(const char *folder, const char *name, uint64_t *number)
{
	char path[300];
	bool there = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (file) {
		there = fscanf(file, "%" SCNu64, number) == 1;
		fclose(file);
	}
	return there;
}

size_t cma_places(struct cma_place *places, size_t most)
{
	size_t count = 0;
	glob_t found;

	if (glob(FOLDER "*", 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && count < most; i++) {
		uint64_t first, pages, used;

		if (!read_number(found.gl_pathv[i], "base_pfn", &first) ||
		    !read_number(found.gl_pathv[i], "count", &pages))
			continue;
		places[count].address = first * page_size();
		places[count].bytes = pages * page_size();
		if (!read_number(found.gl_pathv[i], "used", &used))
			used = pages;
		places[count].used_bytes = used * page_size();
		snprintf(places[count++].name, sizeof(places[0].name), "%s",
			 found.gl_pathv[i] + strlen(FOLDER));
	}
	globfree(&found);
	return count;
}

static bool is_called(const char *place, const char *name)
{
	if (!strcmp(place, name))
		return true;
	return !strncmp(place, OLD_PREFIX, strlen(OLD_PREFIX)) &&
	       !strncmp(place + strlen(OLD_PREFIX), name, OLD_NAME);
}

bool cma_place_named(const char *name, struct cma_place *place)
{
	struct cma_place places[PLACES_MAX];
	size_t count = cma_places(places, PLACES_MAX);

	for (size_t i = 0; i < count; i++) {
		if (!is_called(places[i].name, name))
			continue;
		*place = places[i];
		return true;
	}
	return false;
}

bool cma_place_of_subject(struct cma_place *place)
{
	/* By whom the default area was made: the command line, the device tree, the configuration.
	 */
	static const char *const defaults[] = {"reserved", "linux,cma", "default-pool"};
	const char *name = ion_subject() ? ion_subject() : fp_subject();

	if (cma_place_named(name, place))
		return true;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (cma_place_named(defaults[i], place))
			return true;
	return false;
}

bool cma_place_at(uint64_t address, struct cma_place *place)
{
	struct cma_place places[PLACES_MAX];
	size_t count = cma_places(places, PLACES_MAX);

	for (size_t i = 0; i < count; i++) {
		if (address < places[i].address || address - places[i].address >= places[i].bytes)
			continue;
		*place = places[i];
		return true;
	}
	return false;
}
