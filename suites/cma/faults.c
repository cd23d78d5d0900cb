// SPDX-License-Identifier: MIT
/* faults.c - what fails after an area has given its pages gives them back. */
#include <fcntl.h>
#include <unistd.h>

#include "ktap.h"
#include "fault.h"
#include "heap.h"
#include "memory.h"

struct call {
	int heap;
	uint64_t bytes;
	long long used;
};

static long allocate(void *argument)
{
	struct call *call = argument;

	return heap_allocate(call->heap, call->bytes, O_RDWR | O_CLOEXEC, 0);
}

static void check_pages(void *argument, long result)
{
	struct call *call = argument;

	if (result >= 0)
		MUST(close((int)result));
	EXPECT_EQ(cma_used_pages(), call->used);
}

CASE(fault, "cma.fault", CATALOGUE("CMA-10"), CLASS(ABI),
     STATEMENT(
	     "Whichever allocation of memory fails, before or after the area gave its pages, none "
	     "of these stays taken."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(), free_pages, free_cma"),
     NEEDS("heap:cma fault-injection root"), TIMEOUT(60000))
{
	static const size_t pages[] = {1, 7, 300};
	struct call call = {.heap = heap_open(O_RDWR), .used = cma_used_pages()};

	if (call.used < 0)
		fp_skip("needs cma-counters: neither debugfs nor sysfs counts the areas' pages");
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		call.bytes = pages[i] * page_size();
		/* The buffer, the table of its pages, and the dma-buf itself with its file. */
		EXPECT_TRUE(fault_sweep("allocate", allocate, check_pages, &call) >= 4);
	}
}
