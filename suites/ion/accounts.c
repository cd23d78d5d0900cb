// SPDX-License-Identifier: MIT
/* What ION says of its heaps in debugfs, and what freed buffers leave: clean pages in its pools,
 * and nothing else. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "heap.h"
#include "ktap.h"
#include "mark.h"
#include "memory.h"
#include "slab.h"
#include "volunteer.h"

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
		/* Nor does a smaller one that comes later change it. */
		fds[0] = EXPECT_OK(ion_allocate(ion, page_size(), 1u << heaps[i].id, 0));
		EXPECT_TRUE(ion_number(name, "alloc_bytes_wm") >= 5 * bytes);
		MUST(close(fds[0]));
		EXPECT_ION_NUMBER(name, "num_of_buffers", 0);
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
	/* Chunks of all orders that the pools have. */
	const size_t bytes = 16 * MIB + 17 * page_size();
	const long long pages = (long long)(bytes / page_size());
	int ion = ion_open(), fd;
	uint64_t free_before;

	heap_require(bytes);
	empty_pools();
	fd = EXPECT_OK(ion_allocate(ion, bytes, ion_mask(ion, ION_SYSTEM_HEAP), 0));
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
		int fd = EXPECT_OK(ion_allocate(ion, bytes, mask, cycle % 2 ? ION_CACHED : 0));
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

/* Leaves so much in the system heap's pools, and nothing else; how many pages. */
static long long fill_pools(size_t bytes)
{
	const long long pages = (long long)(page_align(bytes) / page_size());
	int ion = ion_open();

	empty_pools();
	MUST(close(EXPECT_OK(ion_allocate(ion, bytes, ion_mask(ion, ION_SYSTEM_HEAP), 0))));
	MUST(close(ion));
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, "num_of_buffers", 0);
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, SHRINK, pages);
	return pages;
}

CASE(reclaimable, "ion.accounts.reclaimable", CATALOGUE("ION-11"), CLASS(IMPL),
     STATEMENT("What lies in the system heap's pools counts as reclaimable memory of the kernel's, "
	       "until it has gone back or is in use again."),
     SOURCE("drivers/staging/android/ion/ion_page_pool.c: ion_page_pool_add(), "
	    "ion_page_pool_remove()"),
     UNTIL("5.10"), NEEDS("ion debugfs root"))
{
	const size_t bytes = 16 * MIB;
	/* Counted by each processor for itself first, and other caches shrink and grow. */
	const uint64_t least = 3 * bytes / 4;
	uint64_t before;

	heap_require(bytes);
	empty_pools();
	before = meminfo_bytes("KReclaimable");
	fill_pools(bytes);
	EXPECT_TRUE(meminfo_bytes("KReclaimable") >= before + least);
	ion_write_number(ION_SYSTEM_HEAP, SHRINK, 0);
	EXPECT_ION_NUMBER(ION_SYSTEM_HEAP, SHRINK, 0);
	EXPECT_TRUE(meminfo_bytes("KReclaimable") < before + bytes - least);
}

/* Touching all of more than this takes a slow guest too long. */
#define USED_MOST (1024 * MIB)

/* Uses so much memory, in a process that is the first to be killed when there is not so much; its
 * wait status. */
static int use_memory(size_t bytes)
{
	pid_t child = MUST(fork());
	int status;

	if (child == 0) {
		char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

		volunteer_for_the_oom_killer();
		if (at == MAP_FAILED)
			_exit(1);
		for (size_t i = 0; i < bytes; i += page_size())
			at[i] = 1;
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	return status;
}

CASE(pressure, "ion.accounts.pressure", CATALOGUE("ION-11"), CLASS(IMPL),
     STATEMENT("When memory is short the pools give back what they have: a program has it that "
	       "needs more than is free."),
     SOURCE("drivers/staging/android/ion/ion_heap.c: ion_heap_init_shrinker(), "
	    "ion_heap_shrink_scan()"),
     UNTIL("5.10"), NEEDS("ion debugfs root"), TIMEOUT(60000))
{
	const size_t bytes = page_align((size_t)heap_room());
	long long pages;

	if (meminfo_bytes("MemFree") > USED_MOST)
		fp_skip("needs little-memory: %llu MiB are free, and all of it would have to be "
			"used",
			(unsigned long long)(meminfo_bytes("MemFree") / MIB));
	pages = fill_pools(bytes);
	EXPECT_EQ(use_memory((size_t)meminfo_bytes("MemFree") + bytes / 2), 0);
	EXPECT_TRUE(ion_number(ION_SYSTEM_HEAP, SHRINK) < pages);
}

#define CYCLES_EACH 2500

struct cycles {
	int ion, times;
	uint32_t mask;
};

static void do_cycles(void *argument)
{
	const struct cycles *cycles = argument;

	for (int i = 0; i < cycles->times; i++)
		MUST(close(EXPECT_OK(ion_allocate(cycles->ion, page_size(), cycles->mask, 0))));
}

CASE(cycles, "ion.accounts.cycles", CATALOGUE("LIFE-11"), CLASS(ABI),
     STATEMENT("Thousands of buffers of a page leave nothing behind, not the smallest table, where "
	       "a heap frees them at once."),
     SOURCE("drivers/staging/android/ion/ion.c: ion_buffer_destroy(); "
	    "drivers/staging/android/ion/ion_cma_heap.c: ion_cma_free(); "
	    "drivers/staging/android/ion/ion_system_heap.c: ion_system_heap_free(), "
	    "ion_system_contig_heap_free()"),
     ION_CASE, TIMEOUT(60000))
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	int ion = ion_open(), count = ion_all_heaps(ion, heaps);

	for (int i = 0; i < count; i++) {
		struct cycles cycles = {ion, CYCLES_EACH / 5, 1u << heaps[i].id};

		/* It frees with a thread, and its slabs come and go: life.cycles has more of it. */
		if (heaps[i].type == ION_SYSTEM)
			continue;
		fp_context("%s", heaps[i].name);
		/* What is cached or held back for a while is so after these. */
		do_cycles(&cycles);
		cycles.times = CYCLES_EACH;
		/* Of 32 bytes each it would be twice as much. */
		EXPECT_SLAB_FLAT(do_cycles, &cycles, CYCLES_EACH * 16);
	}
}
