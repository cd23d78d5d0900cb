// SPDX-License-Identifier: MIT
/* taken.c - how much memory a buffer costs. */
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "memory.h"

CASE(taken, "memory.taken", CATALOGUE("CMA-06"), CLASS(IMPL),
     STATEMENT("A buffer a little larger than a power of two takes its own size of memory, not the "
	       "next power of two."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: alloc_largest_available(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(), pagecount"),
     NEEDS("heap"))
{
	/* As much again is far more than what the kernel may take for itself meanwhile. */
	const size_t bytes = 16 * MIB + page_size();
	uint64_t before, after;

	heap_require(bytes / 2);
	before = heap_free_bytes();
	heap_buffer(bytes);
	after = heap_free_bytes();
	fp_note("%llu KiB are gone for %zu KiB", (unsigned long long)(before - after) / 1024,
		bytes / 1024);
	EXPECT_TRUE(after > before || before - after <= bytes + MEMORY_NOISE_BYTES);
}

#define SMALL_BUFFERS 192

CASE(taken_small, "memory.taken-small", CATALOGUE("CMA-06"), CLASS(IMPL),
     STATEMENT(
	     "Many small buffers take their own size of memory each, not that of a larger block."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: alloc_largest_available(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(), pagecount"),
     NEEDS("heap"))
{
	/* Of 32 pages, or of 64 KiB, they would take twice, or several times, as much. */
	static const size_t pages[] = {1, 17};
	const int count = heap_is_cma() ? SMALL_BUFFERS / 8 : SMALL_BUFFERS;
	const uint64_t noise = heap_is_cma() && cma_used_pages() >= 0 ? 0 : MEMORY_NOISE_BYTES;

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		const size_t bytes = pages[i] * page_size();
		uint64_t before, after;
		int fds[SMALL_BUFFERS];

		heap_require((uint64_t)count * bytes);
		before = heap_free_bytes();
		for (int j = 0; j < count; j++)
			fds[j] = heap_buffer(bytes);
		after = heap_free_bytes();
		fp_note("%llu KiB are gone for %d times %zu KiB",
			(unsigned long long)(before > after ? before - after : 0) / 1024, count,
			bytes / 1024);
		EXPECT_TRUE(after > before || before - after <= (uint64_t)count * bytes + noise);
		for (int j = 0; j < count; j++)
			MUST(close(fds[j]));
		EXPECT_MEMORY_BACK(before);
	}
}
