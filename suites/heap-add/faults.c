// SPDX-License-Identifier: MIT
/* Memory that fails on the way of a heap that is added. */
#include <stdio.h>

#include "fault.h"
#include "heaps.h"
#include "ktap.h"

/* What there is, and the number that the next heap's name ends with. */
struct heaps {
	int count, next;
};

static long add(void *argument)
{
	const struct heaps *heaps = argument;
	char name[32];

	snprintf(name, sizeof(name), "added-fault-%d", heaps->next);
	return heap_add(name, 0);
}

/* What was refused is not there, and can be added under the same name by the next call. */
static void count_it(void *argument, long result)
{
	struct heaps *heaps = argument;

	if (result >= 0) {
		heaps->count++;
		heaps->next++;
	}
	EXPECT_EQ(count_heaps(), heaps->count);
}

CASE(faults, "heap-add.fault", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("Whichever allocation fails on the way of a heap that a driver adds, it is refused "
	       "with ENOMEM or added; one that is refused leaves neither name nor device behind."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_add(), err0 to err3"),
     NEEDS("device heap-adding fault-injection root"), TIMEOUT(30000))
{
	struct heaps heaps = {.count = count_heaps()};

	EXPECT_TRUE(fault_sweep("add", add, count_it, &heaps) > 3);
}
