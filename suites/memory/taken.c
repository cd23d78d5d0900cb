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
