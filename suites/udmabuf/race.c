// SPDX-License-Identifier: MIT
/* Two at once. What is raced for is bounded in number, and swept, not drawn: a run is repeatable.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "udmabuf-node.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"
#include "pages.h"
#include "together.h"

/*
 * The buffer that is started: RANGES times the same pages, no two of which are neighbours in
 * memory, so that each has a scatterlist entry of its own, of 32 bytes. Mapping it takes long, and
 * a table that is left behind is half a megabyte. A page may be mapped seven times before DMA-API
 * debugging complains (kernel/dma/debug.c: ACTIVE_CACHELINE_MAX_OVERLAP).
 */
#define RANGE_PAGES  4096
#define RANGES	     4
#define WARM_ROUNDS  3
#define START_ROUNDS 20
/*
 * What may be missing at the end, with identical rounds before and after the measure was taken; six
 * tables are more. And what to stop at: that much does not come back.
 */
#define MISSING_BYTES (3u * 1024 * 1024)
#define ENOUGH_BYTES  (4u * 1024 * 1024)
#define BACK_TRIES    100

static int scattered_memfd(void)
{
	int memfd = memfd_for_udmabuf(RANGE_PAGES * page_size());
	char *at = map_pages(memfd, 0, RANGE_PAGES);

	/* The allocator gives one page after the other: first the even ones get theirs. */
	for (size_t odd = 0; odd < 2; odd++)
		for (size_t i = odd; i < RANGE_PAGES; i += 2)
			at[i * page_size()] = 1;
	unmap_pages(at, RANGE_PAGES);
	return memfd;
}

static long start_access(void *buffer)
{
	return buffer_sync(*(int *)buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
}

/* Two processes make the first START of a buffer. */
static void start_twice(int device, const struct udmabuf_create_item items[RANGES])
{
	int buffer = MUST(udmabuf_create_list(device, items, RANGES, 0));
	struct both both = together(start_access, start_access, &buffer, 0);

	EXPECT_EQ(both.ours.result, 0);
	EXPECT_EQ(both.theirs.result, 0);
	MUST(close(buffer));
}

/* One alone succeeds, unless so much cannot be mapped at once: where it is all bounced. */
static void require_start(int device, const struct udmabuf_create_item items[RANGES])
{
	int buffer = MUST(udmabuf_create_list(device, items, RANGES, 0));

	if (start_access(&buffer))
		fp_skip("needs a device that maps %zu MiB at once: START ends with %s",
			RANGES * RANGE_PAGES * page_size() / MIB, fp_errno_name(errno));
	MUST(close(buffer));
}

CASE(start, "udmabuf.race.first-start", CATALOGUE("UDB-19"), CLASS(ABI),
     STATEMENT("Two first STARTs at once both succeed, and leave no kernel memory behind when the "
	       "buffer is closed."),
     SOURCE("drivers/dma-buf/udmabuf.c: begin_cpu_udmabuf()"), NEEDS("udmabuf processors"),
     TIMEOUT(30000))
{
	uint64_t range_bytes = RANGE_PAGES * page_size(), before, now;
	struct udmabuf_create_item items[RANGES];
	int device = udmabuf_open(), memfd;

	if (udmabuf_size_limit_bytes() < RANGES * range_bytes)
		fp_skip("needs a size_limit_mb of %llu: it is %llu",
			(unsigned long long)(RANGES * range_bytes / MIB),
			(unsigned long long)(udmabuf_size_limit_bytes() / MIB));
	heap_require(range_bytes);
	memfd = scattered_memfd();
	for (int i = 0; i < RANGES; i++)
		items[i] =
			(struct udmabuf_create_item){.memfd = (uint32_t)memfd, .size = range_bytes};
	require_start(device, items);
	for (int round = 0; round < WARM_ROUNDS; round++)
		start_twice(device, items);
	before = now = heap_free_bytes();
	for (int round = 0; round < START_ROUNDS && now + ENOUGH_BYTES > before; round++) {
		fp_context("round %d of %d", round, START_ROUNDS);
		start_twice(device, items);
		now = heap_free_bytes();
	}
	for (int i = 0; i < BACK_TRIES && now + MISSING_BYTES < before; i++) {
		usleep(10000);
		now = heap_free_bytes();
	}
	if (now + MISSING_BYTES < before)
		fp_failf(__FILE__, __LINE__, "MemAvailable", "what it was before",
			 "%llu KiB less, of a table's %zu KiB each",
			 (unsigned long long)(before - now) / 1024,
			 RANGES * RANGE_PAGES * 32 / KIB);
	fp_note("MemAvailable was %llu KiB and is %llu KiB", (unsigned long long)before / 1024,
		(unsigned long long)now / 1024);
}

#define SEAL_PAGES  1024
#define SEAL_ROUNDS 24

struct sealing {
	int device, memfd;
};

static long seal_write(void *argument)
{
	const struct sealing *sealing = argument;

	return fcntl(sealing->memfd, F_ADD_SEALS, F_SEAL_WRITE);
}

/* Of the first page, which sealing looks at first: while it looks at the others, a buffer that did
 * not wait for it would hold a page that was found free. */
static long make_buffer(void *argument)
{
	const struct sealing *sealing = argument;

	return udmabuf_create(sealing->device, sealing->memfd, 0, page_size(), 0);
}

/* A memfd all of whose pages are there, so that sealing it takes a while. */
static int full_memfd(void)
{
	int memfd = memfd_for_udmabuf(SEAL_PAGES * page_size());

	MUST(fallocate(memfd, 0, 0, (off_t)(SEAL_PAGES * page_size())));
	return memfd;
}

/* How long sealing takes when nobody holds a page. */
static uint64_t sealing_ns(void)
{
	struct sealing sealing = {.memfd = full_memfd()};
	int64_t start = fence_clock_ns();

	MUST(seal_write(&sealing));
	MUST(close(sealing.memfd));
	return (uint64_t)(fence_clock_ns() - start);
}

/* The memory of a memfd that is sealed against writing, written to. */
static void show_write(int memfd, int buffer)
{
	char before, after;

	EXPECT_EQ(pread(memfd, &before, 1, 0), 1);
	*map_pages(buffer, 0, 1) = (char)~before;
	EXPECT_EQ(pread(memfd, &after, 1, 0), 1);
	fp_note("byte 0 of the sealed memfd was %#x and is %#x after a write to the buffer",
		(unsigned char)before, (unsigned char)after);
}

CASE(seal, "udmabuf.race.seal-write", CATALOGUE("CONC-07"), CLASS(ABI),
     STATEMENT("A memfd that is sealed against writing while a udmabuf is made of it: one of the "
	       "two is refused."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create(), under the inode's lock; mm/memfd.c: "
	    "memfd_add_seals()"),
     NEEDS("udmabuf processors"), TIMEOUT(20000))
{
	struct sealing sealing = {.device = udmabuf_open()};
	uint64_t takes_ns;
	int made = 0;

	heap_require(SEAL_PAGES * page_size());
	takes_ns = sealing_ns();
	for (int round = 0; round < SEAL_ROUNDS; round++) {
		struct both both;

		fp_context("round %d of %d; sealing takes %llu ns", round, SEAL_ROUNDS,
			   (unsigned long long)takes_ns);
		sealing.memfd = full_memfd();
		both = together(make_buffer, seal_write, &sealing,
				takes_ns * (uint64_t)round / SEAL_ROUNDS);
		if (both.ours.result >= 0 && both.theirs.result == 0) {
			show_write(sealing.memfd, (int)both.ours.result);
			fp_fail(__FILE__, __LINE__,
				"UDMABUF_CREATE against F_ADD_SEALS(F_SEAL_WRITE)",
				"EINVAL or EBUSY for one of them", "both succeeded");
		}
		EXPECT_TRUE(both.ours.result >= 0 || both.theirs.result == 0);
		if (both.ours.result >= 0) {
			EXPECT_EQ(both.theirs.error, EBUSY);
			MUST(close((int)both.ours.result));
			made++;
		} else {
			EXPECT_EQ(both.ours.error, EINVAL);
		}
		MUST(close(sealing.memfd));
	}
	fp_note("the buffer came first in %d of %d rounds; sealing alone takes %llu ns", made,
		SEAL_ROUNDS, (unsigned long long)takes_ns);
}
