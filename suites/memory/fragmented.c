// SPDX-License-Identifier: MIT
/* fragmented.c - the system heap when there are no large pieces of memory left. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "mark.h"
#include "memory.h"

#define ORDERS	    16
#define LARGE_ORDER 4 /* the smaller of the system heap's two large orders */
#define BUFFER_MAX  (32 * MIB)
#define SPARED	    (12 * MIB)
#define TAKEN_EACH  MIB
#define PIECES_MAX  512
#define DIRT	    0x71

/*
 * Free memory in pieces of LARGE_ORDER or more that a heap can have: /proc/pagetypeinfo lists free
 * pieces by zone, migrate type and order ("Node 0, zone DMA32, type Movable 1 2 3 ..."). CMA areas
 * are for movable pages only.
 */
static uint64_t large_pieces(void)
{
	FILE *file = fopen("/proc/pagetypeinfo", "re");
	uint64_t bytes = 0;
	char line[512], type[32];
	int at;

	if (!file)
		fp_skip("needs pagetypeinfo: %s", fp_errno_name(errno));
	while (fgets(line, sizeof(line), file)) {
		const char *counts = line;
		unsigned long count;

		if (sscanf(line, "Node %*d, zone %*[^,], type %31s%n", type, &at) != 1)
			continue;
		if (!strcmp(type, "CMA") || !strcmp(type, "Isolate"))
			continue;
		counts += at;
		/* Beyond 100000 pieces it says ">100000"; that is of single pages only. */
		for (int order = 0; order < ORDERS && *counts; order++) {
			counts += strspn(counts, " >");
			if (sscanf(counts, "%lu%n", &count, &at) != 1)
				break;
			counts += at;
			if (order >= LARGE_ORDER)
				bytes += ((uint64_t)count << order) * page_size();
		}
	}
	fclose(file);
	return bytes;
}

struct pieces {
	char *at[PIECES_MAX];
	int count;
};

/* Takes nearly all memory and gives every other page back, dirty as it is. */
static void fragment(struct pieces *pieces)
{
	const size_t page = page_size();

	while (pieces->count < PIECES_MAX && meminfo_bytes("MemFree") > SPARED) {
		char *at = MUST(mmap(NULL, TAKEN_EACH, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

		/* No huge pages: they would come back whole. */
		madvise(at, TAKEN_EACH, MADV_NOHUGEPAGE);
		/* One word of each is enough to tell it from a cleared one. */
		for (size_t i = 0; i < TAKEN_EACH; i += page)
			memset(at + i, DIRT, sizeof(long));
		pieces->at[pieces->count++] = at;
	}
	for (int i = 0; i < pieces->count; i++)
		for (size_t offset = 0; offset < TAKEN_EACH; offset += 2 * page)
			MUST(madvise(pieces->at[i] + offset, page, MADV_DONTNEED));
}

CASE(fragmented, "memory.fragmented", CATALOGUE("MEM-01"), CLASS(IMPL),
     STATEMENT("With memory in small pieces only, the system heap makes a large buffer of single "
	       "pages: whole, zero and in order."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: alloc_largest_available()"), SINCE("6.1"),
     NEEDS("heap:system root"), TIMEOUT(60000))
{
	static struct pieces pieces;
	const size_t page = page_size();
	const size_t room = page_align((size_t)heap_room() / 2);
	const size_t size = room < BUFFER_MAX ? room : BUFFER_MAX;
	unsigned long *at;
	uint64_t large;
	int buffer;

	if (meminfo_bytes("MemFree") > (uint64_t)PIECES_MAX * TAKEN_EACH)
		fp_skip("needs small-memory: more than %d MiB are free", PIECES_MAX);
	fragment(&pieces);
	large = large_pieces();
	fp_note("a buffer of %zu KiB, of which %llu KiB at most can be large pieces", size / 1024,
		(unsigned long long)large / 1024);
	/* A quarter of it must be single pages: many more than any other case makes the heap take. */
	if (large > size / 4 * 3)
		fp_skip("needs fragmentation: %llu KiB of memory are in large pieces still",
			(unsigned long long)large / 1024);
	buffer = heap_buffer(size);
	at = buffer_map(buffer, size);
	EXPECT_MARK(at, size, 0);
	for (size_t i = 0; i < size / page; i++)
		at[i * page / sizeof(*at)] = i + 1;
	buffer_unmap(at, size);
	at = buffer_map(buffer, size);
	for (size_t i = 0; i < size / page; i++)
		EXPECT_EQ(at[i * page / sizeof(*at)], i + 1);
	/* Nobody else's page is among them. */
	for (int i = 0; i < pieces.count; i++)
		for (size_t offset = page; offset < TAKEN_EACH; offset += 2 * page)
			if (pieces.at[i][offset] != DIRT)
				fp_fail(__FILE__, __LINE__, "memory of one's own", "as it was",
					"written to through the buffer");
}
