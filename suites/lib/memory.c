// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cma-place.h"
#include "ktap.h"
#include "heap.h"
#include "ion.h"
#include "memory.h"
#include "needs.h"

#define BACK_WAIT_MS 4000
#define BACK_POLL_MS 20

uint64_t meminfo_bytes(const char *key)
{
	FILE *file = fdopen(MUST(open("/proc/meminfo", O_RDONLY | O_CLOEXEC)), "r");
	unsigned long long kib = 0;
	char line[128];
	size_t length = strlen(key);

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length) && line[length] == ':')
			sscanf(line + length + 1, "%llu", &kib);
	fclose(file);
	return kib * 1024;
}

bool heap_is_cma(void)
{
	const char *ion = ion_subject();

	return ion ? strcmp(ion, "system") != 0 : !strcmp(fp_heap_kind(), "cma");
}

/* The sum of the numbers in the files that `pattern` names; -1 where there are none. */
static long long sum_of_files(const char *pattern)
{
	long long sum = -1;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return -1;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");
		long long number;

		if (!file)
			continue;
		if (fscanf(file, "%lld", &number) == 1)
			sum = (sum < 0 ? 0 : sum) + number;
		fclose(file);
	}
	globfree(&found);
	return sum;
}

/*
 * mm/cma_debug.c: "used", the bitmap; or what was given out less what came back (mm/cma_sysfs.c).
 * CmaFree is no substitute when a leak is to be proven: the page allocator puts movable pages there
 * as it likes.
 */
long long cma_used_pages(void)
{
	long long used = sum_of_files("/sys/kernel/debug/cma/*/used");
	long long given, returned;

	if (used >= 0)
		return used;
	given = sum_of_files("/sys/kernel/mm/cma/*/alloc_pages_success");
	returned = sum_of_files("/sys/kernel/mm/cma/*/release_pages_success");
	return given < 0 || returned < 0 ? -1 : given - returned;
}

long long cma_refused_pages(void)
{
	return sum_of_files("/sys/kernel/mm/cma/*/alloc_pages_fail");
}

static bool counts_exactly(void)
{
	return heap_is_cma() && cma_used_pages() >= 0;
}

uint64_t heap_area_bytes(void)
{
	struct cma_place place;

	return cma_place_of_subject(&place) ? place.bytes : meminfo_bytes("CmaTotal");
}

uint64_t heap_free_bytes(void)
{
	struct cma_place place;

	if (heap_is_cma() && cma_place_of_subject(&place))
		return place.bytes - place.used_bytes;
	if (counts_exactly())
		return meminfo_bytes("CmaTotal") - (uint64_t)cma_used_pages() * page_size();
	return meminfo_bytes(heap_is_cma() ? "CmaFree" : "MemAvailable");
}

uint64_t heap_room(void)
{
	uint64_t free = heap_free_bytes();

	/* MemAvailable counts free CMA pages, which none but movable allocations are given. */
	if (!heap_is_cma())
		free -= meminfo_bytes("CmaFree") < free ? meminfo_bytes("CmaFree") : free;
	return free / 4;
}

void heap_require(uint64_t bytes)
{
	uint64_t room = heap_room();

	if (room < bytes)
		fp_skip("needs memory: buffers of %llu KiB, a quarter of what is free is %llu KiB",
			(unsigned long long)(bytes / 1024), (unsigned long long)(room / 1024));
}

void memory_check_back(const char *file, int line, uint64_t before)
{
	uint64_t noise = counts_exactly() ? 0 : MEMORY_NOISE_BYTES;
	uint64_t least = before > noise ? before - noise : 0;
	uint64_t now = heap_free_bytes();
	char expected[80];

	for (int waited = 0; now < least && waited < BACK_WAIT_MS; waited += BACK_POLL_MS) {
		usleep(BACK_POLL_MS * 1000);
		now = heap_free_bytes();
	}
	if (now >= least)
		return;
	snprintf(expected, sizeof(expected), "%llu KiB free, less at most %llu KiB",
		 (unsigned long long)(before / 1024), (unsigned long long)(noise / 1024));
	fp_failf(file, line,
		 counts_exactly() ? "CmaTotal less used"
		 : heap_is_cma()  ? "CmaFree"
				  : "MemAvailable",
		 expected, "%llu KiB free: %llu KiB have not come back",
		 (unsigned long long)(now / 1024), (unsigned long long)((before - now) / 1024));
}

long live_buffers(void)
{
	FILE *file = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	char line[256];
	long count = -1;

	if (!file)
		return -1;
	/* The last line of drivers/dma-buf/dma-buf.c: dma_buf_debug_show(). */
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Total %ld objects", &count);
	fclose(file);
	return count;
}
