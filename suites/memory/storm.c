// SPDX-License-Identifier: MIT
/* storm.c - allocations on all CPUs at once. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "mark.h"
#include "memory.h"
#include "storm.h"

const char fp_suite_name[] = "memory";

#define THREADS	  4
#define ROUNDS	  40
#define KEPT	  4
#define PAGES_MAX 48

static void allocate_and_free(struct storm_thread *thread)
{
	const size_t page = page_size();
	int heap = heap_open(O_RDWR), kept[KEPT];

	for (int i = 0; i < KEPT; i++)
		kept[i] = -1;
	for (int round = 0; round < ROUNDS; round++) {
		size_t bytes = (1 + storm_below(thread, PAGES_MAX)) * page;
		unsigned int place = storm_below(thread, KEPT);
		void *at;

		if (kept[place] >= 0)
			MUST(close(kept[place]));
		kept[place] = EXPECT_OK(heap_allocate(heap, bytes, O_RDWR | O_CLOEXEC, 0));
		at = buffer_map(kept[place], bytes);
		EXPECT_MARK(at, bytes, 0);
		memset(at, 0xb6, bytes);
		buffer_unmap(at, bytes);
	}
	for (int i = 0; i < KEPT; i++)
		if (kept[i] >= 0)
			MUST(close(kept[i]));
	MUST(close(heap));
}

CASE(storm, "memory.storm", CATALOGUE("CONC-06"), CLASS(ABI),
     STATEMENT(
	     "Buffers of all sizes, allocated and freed on all CPUs at once, are zero, and all of "
	     "the memory comes back."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate()"),
     NEEDS("heap"), TIMEOUT(30000))
{
	struct holdings before = holdings_now();

	heap_require(2ull * THREADS * KEPT * PAGES_MAX * page_size());
	storm_run(THREADS, allocate_and_free, NULL);
	EXPECT_HOLDINGS_BACK(&before);
}
