// SPDX-License-Identifier: MIT
/* charge.c - to whose account a buffer's memory goes. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "cgroup.h"
#include "heap.h"
#include "memory.h"
#include "needs.h"

#define PARAMETER     "/sys/module/dma_heap/parameters/mem_accounting"
#define CHARGE_SOURCE "drivers/dma-buf/dma-heap.c: mem_accounting"
#define BUFFER_BYTES  (12 * MIB)
/* What the kernel's own structures for a buffer may cost, and what is charged ahead of need. */
#define SLACK (2 * MIB)

/* Is dma_heap.mem_accounting on? Kernels without it never charge. */
static bool accounting(void)
{
	FILE *file = fopen(PARAMETER, "re");
	int letter;

	if (!file)
		return false;
	letter = getc(file);
	fclose(file);
	return letter == 'Y';
}

/* In bytes; less than nothing where something else was given back meanwhile. */
static int64_t charged_for_a_buffer(void)
{
	uint64_t before;
	int64_t charged;

	heap_require(BUFFER_BYTES);
	cgroup_enter(0);
	before = cgroup_charged();
	heap_buffer(BUFFER_BYTES);
	charged = (int64_t)(cgroup_charged() - before);
	fp_note("%lld KiB were charged", (long long)charged / 1024);
	return charged;
}

CASE(not_charged, "heap.size.not-charged", CATALOGUE("SIZE-15"), CLASS(IMPL),
     STATEMENT("A buffer's memory is charged to no memory cgroup, unless the system heap is told "
	       "to; a CMA heap's never is."),
     SOURCE(CHARGE_SOURCE), NEEDS("heap memcg root"))
{
	if (accounting() && strcmp(fp_heap_kind(), "cma"))
		fp_skip("needs no-accounting: dma_heap.mem_accounting is on");
	EXPECT_TRUE(charged_for_a_buffer() < (int64_t)SLACK);
}

CASE(charged, "heap.size.charged", CATALOGUE("SIZE-15"), CLASS(IMPL),
     STATEMENT("With dma_heap.mem_accounting=1 a system heap's buffer is charged to its user's "
	       "memory cgroup."),
     SOURCE(CHARGE_SOURCE "; drivers/dma-buf/heaps/system_heap.c: alloc_largest_available(), "
			  "__GFP_ACCOUNT"),
     SINCE("7.0"), NEEDS("heap:system memcg root"))
{
	int64_t charged;

	if (!accounting())
		fp_skip("needs accounting: dma_heap.mem_accounting is off");
	charged = charged_for_a_buffer();
	EXPECT_TRUE(charged >= (int64_t)BUFFER_BYTES && charged < (int64_t)(BUFFER_BYTES + SLACK));
}

CASE(no_limit, "heap.size.no-limit", CATALOGUE("MEM-06"), CLASS(QUIRK),
     STATEMENT("A memory cgroup's limit does not hold for buffers that it is not charged for."),
     SOURCE(CHARGE_SOURCE), NEEDS("heap memcg root"))
{
	if (accounting() && strcmp(fp_heap_kind(), "cma"))
		fp_skip("needs no-accounting: dma_heap.mem_accounting is on");
	heap_require(BUFFER_BYTES);
	cgroup_enter(BUFFER_BYTES / 2);
	/* MUST() in it: a buffer that is refused, or costs a life, fails the case. */
	EXPECT_EQ(buffer_size(heap_buffer(BUFFER_BYTES)), BUFFER_BYTES);
}
