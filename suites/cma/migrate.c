// SPDX-License-Identifier: MIT
/* migrate.c - an area whose pages others have borrowed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "mark.h"
#include "memory.h"

#define PIECE	   (64 * KIB)
#define PIECES_MAX 8192
#define SPARED	   (16 * MIB)
#define LOOK_EVERY 16

/*
 * The page allocator lends an area's free pages to movable pages, once these are more than half of
 * all free memory (mm/page_alloc.c: __rmqueue()).
 */
struct pieces {
	char *at[PIECES_MAX];
	int count;
};

static unsigned char mark_of(int piece)
{
	return (unsigned char)(1 + piece % 101);
}

/* What others have borrowed of the areas: neither free nor given out. */
static uint64_t borrowed(void)
{
	return meminfo_bytes("CmaTotal") - meminfo_bytes("CmaFree") -
	       (uint64_t)cma_used_pages() * page_size();
}

/* Fills memory, through `from` (a descriptor, or -1 for anonymous memory), until the area is half
 * lent. */
static void fill(struct pieces *pieces, int from)
{
	const int flags = from < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	while (pieces->count < PIECES_MAX) {
		off_t offset = from < 0 ? 0 : (off_t)pieces->count * (off_t)PIECE;

		/* Half of the area is enough: the buffer will be larger than the other half. */
		if (pieces->count % LOOK_EVERY == 0 &&
		    (borrowed() >= meminfo_bytes("CmaTotal") / 2 ||
		     meminfo_bytes("MemFree") < SPARED))
			break;
		if (from >= 0)
			MUST(ftruncate(from, offset + (off_t)PIECE));
		pieces->at[pieces->count] =
			MUST(mmap(NULL, PIECE, PROT_READ | PROT_WRITE, flags, from, offset));
		memset(pieces->at[pieces->count], mark_of(pieces->count), PIECE);
		pieces->count++;
	}
}

/* Gives every other piece back, so that there is somewhere for the rest to go. */
static void thin_out(struct pieces *pieces, int from)
{
	for (int i = 0; i < pieces->count; i += 2) {
		MUST(munmap(pieces->at[i], PIECE));
		if (from >= 0)
			MUST(fallocate(from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				       (off_t)i * (off_t)PIECE, (off_t)PIECE));
	}
}

static void allocate_over(int from)
{
	static struct pieces pieces;
	const uint64_t total = meminfo_bytes("CmaTotal");
	const uint64_t size = page_align((size_t)(total / 4 * 3));
	struct holdings before = holdings_now();
	uint64_t lent;
	int fd;

	if (cma_used_pages() < 0)
		fp_skip("needs cma-counters: neither debugfs nor sysfs counts the areas' pages");
	if (heap_area_bytes() < total)
		fp_skip("needs one-area: what others have borrowed of one of several is not told");
	if (meminfo_bytes("MemFree") > (uint64_t)PIECES_MAX * PIECE)
		fp_skip("needs small-memory: more than %zu MiB are free", PIECES_MAX * PIECE / MIB);
	fill(&pieces, from);
	thin_out(&pieces, from);
	lent = borrowed();
	fp_note("%llu of %llu KiB were lent when %llu KiB were asked for",
		(unsigned long long)lent / 1024, (unsigned long long)total / 1024,
		(unsigned long long)size / 1024);
	if (lent < total / 8)
		fp_skip("needs borrowers: the page allocator has lent only %llu KiB of the area",
			(unsigned long long)lent / 1024);
	fd = heap_buffer(size);
	for (int i = 1; i < pieces.count; i += 2)
		EXPECT_MARK(pieces.at[i], PIECE, mark_of(i));
	MUST(close(fd));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(migrates_anonymous, "cma.migrates-anonymous", CATALOGUE("CMA-07"), CLASS(ABI),
     STATEMENT("A buffer is had though others' anonymous memory fills the area; that is moved, and "
	       "keeps its data."),
     SOURCE("mm/cma.c: cma_alloc(); mm/page_alloc.c: alloc_contig_range()"), NEEDS("heap:cma"),
     TIMEOUT(60000))
{
	allocate_over(-1);
}

CASE(migrates_cache, "cma.migrates-cache", CATALOGUE("CMA-07"), CLASS(ABI),
     STATEMENT("A buffer is had though files' pages fill the area; these are moved, and keep their "
	       "data."),
     SOURCE("mm/cma.c: cma_alloc(); mm/page_alloc.c: alloc_contig_range()"), NEEDS("heap:cma"),
     TIMEOUT(60000))
{
	allocate_over(MUST(memfd_create("cached", MFD_CLOEXEC)));
}
