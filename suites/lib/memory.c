// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
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

static bool subject_is_cma(void)
{
	return !strcmp(fp_heap_kind(), "cma");
}

uint64_t heap_free_bytes(void)
{
	return meminfo_bytes(subject_is_cma() ? "CmaFree" : "MemAvailable");
}

uint64_t heap_room(void)
{
	uint64_t free = heap_free_bytes();

	/* MemAvailable counts free CMA pages, which none but movable allocations are given. */
	if (!subject_is_cma())
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
	uint64_t least = before > MEMORY_NOISE_BYTES ? before - MEMORY_NOISE_BYTES : 0;
	uint64_t now = heap_free_bytes();
	char expected[80];

	for (int waited = 0; now < least && waited < BACK_WAIT_MS; waited += BACK_POLL_MS) {
		usleep(BACK_POLL_MS * 1000);
		now = heap_free_bytes();
	}
	if (now >= least)
		return;
	snprintf(expected, sizeof(expected), "%llu KiB free, less at most %u KiB",
		 (unsigned long long)(before / 1024), MEMORY_NOISE_BYTES / 1024);
	fp_failf(file, line, subject_is_cma() ? "CmaFree" : "MemAvailable", expected,
		 "%llu KiB free: %llu KiB have not come back", (unsigned long long)(now / 1024),
		 (unsigned long long)((before - now) / 1024));
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
