// SPDX-License-Identifier: MIT
/* region.c - how much of a CMA area its heap gives out, and that it comes back. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "memory.h"

const char fp_suite_name[] = "cma";

#define ALLOCATE_SOURCE                                                                            \
	"drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(), cma_heap_dma_buf_release(); "      \
	"mm/cma.c: cma_alloc(), cma_release()"
#define BUFFERS_MAX 512

static void require_counters(void)
{
	if (cma_used_pages() < 0)
		fp_skip("needs cma-counters: neither debugfs nor sysfs counts the areas' pages");
}

CASE(exists, "cma.exists", CATALOGUE("CMA-01"), CLASS(ABI),
     STATEMENT("There is a CMA heap if and only if there is a CMA area."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: add_cma_heaps(), add_default_cma_heap(); "
	    "kernel/dma/contiguous.c: dev_get_cma_area()"),
     NEEDS("heap dma-heap cma-heap-driver"))
{
	static const char *const names[] = {"reserved", "default_cma_region", "linux,cma",
					    "default-pool"};
	uint64_t total = meminfo_bytes("CmaTotal");
	int heaps = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64] = "/dev/dma_heap/";

		strcat(path, names[i]);
		heaps += access(path, F_OK) == 0;
	}
	fp_note("CmaTotal is %llu KiB, and %d heaps have a CMA area's name",
		(unsigned long long)total / 1024, heaps);
	if (total)
		EXPECT_TRUE(heaps > 0);
	else
		EXPECT_EQ(heaps, 0);
}

CASE(beyond_region, "cma.beyond-region", CATALOGUE("CMA-04"), CLASS(ABI),
     STATEMENT("A buffer that the area cannot hold is ENOMEM, counts as refused where that is "
	       "counted, and takes nothing."),
     SOURCE(ALLOCATE_SOURCE "; mm/cma_sysfs.c: cma_sysfs_account_fail_pages()"), NEEDS("heap:cma"))
{
	const uint64_t total = heap_area_bytes();
	const uint64_t lens[] = {total + 1, total + page_size(), 2 * total, 1ull << 40};
	struct holdings before = holdings_now();
	int heap = heap_open(O_RDWR);

	require_counters();
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		long long used = cma_used_pages();

		fp_context("%llu bytes of an area of %llu", (unsigned long long)lens[i],
			   (unsigned long long)total);
		EXPECT_ERRNO(heap_allocate(heap, lens[i], O_RDWR | O_CLOEXEC, 0), ENOMEM);
		EXPECT_EQ(cma_used_pages(), used);
	}
	EXPECT_HOLDINGS_BACK(&before);
	/* And the heap works as before. */
	MUST(close(EXPECT_OK(heap_allocate(heap, MIB, O_RDWR | O_CLOEXEC, 0))));
}

CASE(sizes, "cma.sizes", CATALOGUE("CMA-06"), CLASS(IMPL),
     STATEMENT("A buffer takes exactly its pages from the area, whatever their number, and gives "
	       "exactly these back."),
     SOURCE(ALLOCATE_SOURCE), NEEDS("heap:cma"))
{
	static const long pages[] = {1, 2, 3, 5, 7, 9, 17, 33, 100, 127, 129, 255, 257, 1000};
	int heap = heap_open(O_RDWR);
	long long used = cma_used_pages();

	require_counters();
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		uint64_t bytes = (uint64_t)pages[i] * page_size();
		int fd, short_fd;

		if (bytes > heap_room())
			break;
		fp_context("%ld pages", pages[i]);
		fd = EXPECT_OK(heap_allocate(heap, bytes, O_RDWR | O_CLOEXEC, 0));
		EXPECT_EQ(cma_used_pages() - used, pages[i]);
		/* One byte into the last page is a page as well. */
		short_fd = EXPECT_OK(
			heap_allocate(heap, bytes - page_size() + 1, O_RDWR | O_CLOEXEC, 0));
		EXPECT_EQ(cma_used_pages() - used, 2 * pages[i]);
		MUST(close(fd));
		EXPECT_EQ(cma_used_pages() - used, pages[i]);
		MUST(close(short_fd));
		EXPECT_EQ(cma_used_pages(), used);
	}
}

/* Takes buffers of `each` bytes until the area has none. */
static int exhaust(int heap, size_t each, int *fds)
{
	int count = 0;

	while (count < BUFFERS_MAX) {
		fds[count] = heap_allocate(heap, each, O_RDWR | O_CLOEXEC, 0);
		if (fds[count] < 0) {
			EXPECT_EQ(errno, ENOMEM);
			return count;
		}
		count++;
	}
	fp_skip("needs small-area: %d buffers of %zu KiB do not exhaust it", BUFFERS_MAX,
		each / 1024);
}

CASE(exhausted, "cma.exhausted", CATALOGUE("CMA-05"), CLASS(ABI),
     STATEMENT("An area gives out all but a rest smaller than one more buffer, and is whole again "
	       "when all are freed, in any order."),
     SOURCE(ALLOCATE_SOURCE), NEEDS("heap:cma"), TIMEOUT(30000))
{
	const uint64_t total = heap_area_bytes();
	const size_t each = page_align((size_t)(total / 32));
	static int fds[BUFFERS_MAX];
	int heap = heap_open(O_RDWR), count;
	struct holdings before = holdings_now();
	long long used = cma_used_pages();
	uint64_t free_bytes;

	require_counters();
	free_bytes = heap_free_bytes();
	for (int round = 0; round < 2; round++) {
		fp_context("round %d", round);
		count = exhaust(heap, each, fds);
		/* Pages that were in use before may cost the buffers that they lie across. */
		if (!used)
			EXPECT_EQ(count, free_bytes / each);
		EXPECT_EQ(cma_used_pages() - used,
			  (long long)((uint64_t)count * each / page_size()));
		EXPECT_BUFFERS_MORE(&before, count);
		/* Every other one first: what is left is in pieces, and has to be put together. */
		for (int i = round; i < count; i += 2)
			MUST(close(fds[i]));
		for (int i = 1 - round; i < count; i += 2)
			MUST(close(fds[i]));
		EXPECT_HOLDINGS_BACK(&before);
	}
	MUST(close(EXPECT_OK(heap_allocate(heap, free_bytes / 8 * 7, O_RDWR | O_CLOEXEC, 0))));
	EXPECT_HOLDINGS_BACK(&before);
}
