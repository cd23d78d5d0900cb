// SPDX-License-Identifier: MIT
/* What ION says of its heaps in debugfs, and what freed buffers leave: clean pages in its pools. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "heap.h"
#include "ktap.h"
#include "mark.h"
#include "memory.h"

#define ACCOUNTS                                                                                   \
	ION_SOURCE("ion_buffer_create(), ion_buffer_destroy(), ion_device_add_heap()"),            \
		UNTIL("5.10"), NEEDS("ion debugfs root")

/* The system heap's file with the pages that its pools could give back. */
#define SHRINK ION_SYSTEM_HEAP "_shrink"

CASE(counts, "ion.accounts.buffers", CATALOGUE("ION-11"), CLASS(IMPL),
     STATEMENT("debugfs counts each heap's buffers and their bytes, and both are 0 again when all "
	       "are freed; the most there ever was stays."),
     ACCOUNTS)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	int ion = ion_open(), count = ion_all_heaps(ion, heaps);
	const long long bytes = (long long)(3 * page_size());

	for (int i = 0; i < count; i++) {
		const char *name = heaps[i].name;
		int fds[5];

		EXPECT_ION_NUMBER(name, "num_of_buffers", 0);
		EXPECT_ION_NUMBER(name, "num_of_alloc_bytes", 0);
		for (int j = 0; j < 5; j++) {
			fds[j] = EXPECT_OK(
				ion_allocate(ion, (uint64_t)bytes - 1, 1u << heaps[i].id, 0));
			EXPECT_ION_NUMBER(name, "num_of_buffers", j + 1);
			EXPECT_ION_NUMBER(name, "num_of_alloc_bytes", (j + 1) * bytes);
		}
		EXPECT_TRUE(ion_number(name, "alloc_bytes_wm") >= 5 * bytes);
		for (int j = 0; j < 5; j++)
			MUST(close(fds[j]));
		EXPECT_ION_NUMBER(name, "num_of_buffers", 0);
		EXPECT_ION_NUMBER(name, "num_of_alloc_bytes", 0);
		EXPECT_TRUE(ion_number(name, "alloc_bytes_wm") >= 5 * bytes);
	}
}

static void empty_pools(void)
{
	/* A thread frees; what it has not come to yet would be in the pools later. */
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, "num_of_buffers", 0);
	ion_write_number(ION_SYSTEM_HEAP, SHRINK, 0);
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, SHRINK, 0);
}

CASE(shrink, "ion.accounts.shrink", CATALOGUE("ION-11"), CLASS(IMPL),
     STATEMENT("The pages of freed buffers are in the system heap's pools, which debugfs counts, "
	       "and go back to the system when they are asked for."),
     SOURCE("drivers/staging/android/ion/ion.c: debug_shrink_set(), debug_shrink_get(); "
	    "drivers/staging/android/ion/ion_page_pool.c: ion_page_pool_shrink()"),
     UNTIL("5.10"), NEEDS("ion debugfs root"))
{
	const long long pages = (long long)(16 * MIB / page_size());
	int ion = ion_open(), fd;
	uint64_t free_before;

	heap_require(16 * MIB);
	empty_pools();
	fd = EXPECT_OK(ion_allocate(ion, 16 * MIB, ion_mask(ion, ION_SYSTEM_HEAP), 0));
	EXPECT_EQ(ion_number(ION_SYSTEM_HEAP, SHRINK), 0);
	MUST(close(fd));
	/* What is still to be freed counts as well. */
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, "num_of_buffers", 0);
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, SHRINK, pages);
	free_before = meminfo_bytes("MemFree");
	ion_write_number(ION_SYSTEM_HEAP, SHRINK, 0);
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, SHRINK, 0);
	EXPECT_TRUE(meminfo_bytes("MemFree") > free_before + 8 * MIB);
}

CASE(pool_zero, "ion.accounts.pool-zero", CATALOGUE("ION-06"), CLASS(ABI),
     STATEMENT("Pages that come out of the pools, where buffers leave them, are zero, cached or "
	       "not."),
     SOURCE("drivers/staging/android/ion/ion_system_heap.c: ion_system_heap_free(); "
	    "drivers/staging/android/ion/ion_heap.c: ion_heap_buffer_zero()"),
     UNTIL("5.10"), NEEDS("ion debugfs root"))
{
	/* Chunks of all orders that the pools have. */
	const size_t bytes = MIB + 17 * page_size();
	int ion = ion_open();
	uint32_t mask = ion_mask(ion, ION_SYSTEM_HEAP);

	empty_pools();
	for (int cycle = 0; cycle < 8; cycle++) {
		int fd = EXPECT_OK(ion_allocate(ion, bytes, mask, ION_CACHED));
		char *at = buffer_map(fd, bytes);

		fp_context("cycle %d", cycle);
		/* From the second on, they are out of the pools. */
		EXPECT_EQ(ion_number(ION_SYSTEM_HEAP, SHRINK), 0);
		EXPECT_MARK(at, bytes, 0);
		memset(at, 0xa5, bytes);
		buffer_unmap(at, bytes);
		MUST(close(fd));
		/* What is still to be freed counts as well. */
		EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, "num_of_buffers", 0);
		EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, SHRINK, (long long)(bytes / page_size()));
	}
}
