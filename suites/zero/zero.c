// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "kernel-parts.h"
#include "memory.h"

const char fp_suite_name[] = "zero";

#define DIRT   0x9e
#define CYCLES 6

#define SYSTEM_SOURCE "drivers/dma-buf/heaps/system_heap.c: LOW_ORDER_GFP, HIGH_ORDER_GFP"
#define CMA_SOURCE    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate()"

/* The size classes of the system heap (chunks of order 0, 4 and 8), one of all three, and one of
 * many. */
static size_t size_at(int row)
{
	const size_t order4 = page_size() << 4, order8 = page_size() << 8;
	const size_t sizes[] = {
		page_size(), order4, order8, order8 + order4 + page_size(), 16 * order8,
	};

	return row < (int)(sizeof(sizes) / sizeof(sizes[0])) ? sizes[row] : 0;
}

/* The case fails at the first byte of [from, to) that is not zero. */
static void expect_zero(int fd, size_t size, size_t from)
{
	const uint64_t *words = buffer_map(fd, size);
	const uint8_t *bytes = (const uint8_t *)words;
	size_t at = from;

	while (at % sizeof(*words) && at < size && !bytes[at])
		at++;
	while (at % sizeof(*words) == 0 && at < size && !words[at / sizeof(*words)])
		at += sizeof(*words);
	while (at < size && !bytes[at])
		at++;
	if (at < size)
		fp_failf(__FILE__, __LINE__, "a fresh buffer's bytes", "0",
			 "%#x at byte %zu of %zu", bytes[at], at, size);
	buffer_unmap((void *)words, size);
}

static void make_dirty(int fd, size_t size)
{
	void *at = buffer_map(fd, size);

	memset(at, DIRT, size);
	buffer_unmap(at, size);
}

/* One buffer at a time may take half of what is free. */
static bool room_for(size_t size)
{
	if (size <= 2 * heap_room())
		return true;
	fp_note("no room for a buffer of %zu bytes", size);
	return false;
}

/* Fresh buffers of every size class that the heap has room for, each seen to be zero and then
 * dirtied. */
static void expect_fresh_zero(void)
{
	for (int row = 0; size_at(row); row++) {
		size_t size = size_at(row);
		int fd;

		if (!room_for(size))
			continue;
		fp_context("buffer of %zu bytes", size);
		fd = heap_buffer(size);
		expect_zero(fd, size, 0);
		make_dirty(fd, size);
		close(fd);
	}
}

CASE(fresh, "heap.zero.fresh", CATALOGUE("ZERO-01"), CLASS(ABI),
     STATEMENT("Fresh buffers are zero, of every size class, though the memory was dirty."),
     SOURCE(SYSTEM_SOURCE), NEEDS("heap"), TIMEOUT(30000))
{
	make_free_memory_dirty();
	expect_fresh_zero();
}

CASE(reused, "heap.zero.reused", CATALOGUE("ZERO-02"), CLASS(ABI),
     STATEMENT("Buffers are zero over cycles of filling, freeing and allocating, of every size "
	       "class."),
     SOURCE(SYSTEM_SOURCE "; " CMA_SOURCE), NEEDS("heap"), TIMEOUT(30000))
{
	for (int row = 0; size_at(row); row++) {
		size_t size = size_at(row);

		if (!room_for(size))
			continue;
		for (int cycle = 0; cycle < CYCLES; cycle++) {
			int fd = heap_buffer(size);

			fp_context("buffer of %zu bytes, cycle %d", size, cycle);
			expect_zero(fd, size, 0);
			make_dirty(fd, size);
			close(fd);
		}
	}
}

CASE(slack, "heap.zero.slack", CATALOGUE("ZERO-03"), CLASS(ABI),
     STATEMENT("What lies between the length asked for and the end of its page is zero."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate(); " SYSTEM_SOURCE
	    "; " CMA_SOURCE),
     NEEDS("heap"), TIMEOUT(30000))
{
	const size_t page = page_size();
	const size_t lens[] = {1, page - 1, page + 1, 3 * page - 7, 16 * page + 100, 17 * page - 1};
	int heap = heap_open(O_RDWR);

	/* The first cycle dirties what the others are given. */
	for (int cycle = 0; cycle < 2 * CYCLES; cycle++) {
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			size_t size = page_align(lens[i]);
			int fd = MUST(heap_allocate(heap, lens[i], O_RDWR | O_CLOEXEC, 0));

			fp_context("len %zu, cycle %d", lens[i], cycle);
			expect_zero(fd, size, lens[i]);
			make_dirty(fd, size);
			close(fd);
		}
	}
}

CASE(region, "heap.zero.region", CATALOGUE("ZERO-04"), CLASS(ABI),
     STATEMENT("A CMA heap zeroes what it hands out, pages used before by others included."),
     SOURCE(CMA_SOURCE), NEEDS("heap:cma"), TIMEOUT(30000))
{
	make_free_memory_dirty();
	expect_fresh_zero();
	/* A second time, over what this case itself has written. */
	expect_fresh_zero();
}

/* Is this parameter 0 on the kernel's command line? */
static bool told_not_to(const char *parameter)
{
	const char *value = kernel_parameter(parameter);

	return value && !strcmp(value, "0");
}

/* Does this boot's kernel log, or else its command line, say that the page allocator clears nothing
 * by itself? */
static bool allocator_clears_nothing(void)
{
	const int log_bytes = 1 << 20;
	char *log = malloc((size_t)log_bytes);
	int length = log ? klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, log_bytes - 1) : -1;
	bool off = false;

	if (length > 0) {
		log[length] = '\0';
		/* mm/mm_init.c: report_meminit() */
		off = strstr(log, "heap alloc:off, heap free:off") != NULL;
	}
	free(log);
	return off || (told_not_to("init_on_alloc") && told_not_to("init_on_free"));
}

CASE(by_itself, "heap.zero.by-itself", CATALOGUE("ZERO-05"), CLASS(ABI),
     STATEMENT("Buffers are zero with init_on_alloc=0 and init_on_free=0: the heap itself clears "
	       "them."),
     SOURCE(SYSTEM_SOURCE "; " CMA_SOURCE), NEEDS("heap"), TIMEOUT(30000))
{
	if (!allocator_clears_nothing())
		fp_skip("needs init-off: a kernel booted with init_on_alloc=0 init_on_free=0");
	make_free_memory_dirty();
	expect_fresh_zero();
}
