// SPDX-License-Identifier: MIT
/* cycles.c - very many buffers, one after the other, and what they leave behind. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "life.h"
#include "memory.h"
#include "slab.h"

/*
 * Less than the catalogue's 10^5, for the sake of slow guests. What each leaves behind adds up to
 * enough all the same: 32 bytes at least, and where there are fewer cycles, because each takes much
 * longer, larger buffers with larger tables.
 */
struct work {
	int cycles;
	size_t pages;
	unsigned int leak_bytes; /* a growth of this much is one */
};

static const struct work usual = {4000, 1, 100 * 1024}, with_area = {600, 64, 50 * 1024};

struct cycles {
	int heap;
	int times;
	size_t bytes;
};

static void do_cycles(void *argument)
{
	const struct cycles *cycles = argument;

	for (int i = 0; i < cycles->times; i++) {
		int fd = MUST(heap_allocate(cycles->heap, cycles->bytes, O_RDWR | O_CLOEXEC, 0));
		volatile char *at = buffer_map(fd, cycles->bytes);

		at[(size_t)i % cycles->bytes] = 1;
		buffer_unmap((void *)at, cycles->bytes);
		MUST(close(fd));
	}
}

CASE(cycles, "life.cycles", CATALOGUE("LIFE-11"), CLASS(ABI),
     STATEMENT("Thousands of buffers allocated, mapped, written and freed leave nothing behind."),
     SOURCE(RELEASE_SOURCE), NEEDS("heap"), TIMEOUT(60000))
{
	const struct work *work = heap_is_cma() ? &with_area : &usual;
	struct cycles cycles = {heap_open(O_RDWR), work->cycles / 5, work->pages * page_size()};
	struct holdings before;

	/* What is cached or held back for a while is so after these. */
	do_cycles(&cycles);
	cycles.times = work->cycles;
	before = holdings_now();
	EXPECT_SLAB_FLAT(do_cycles, &cycles, work->leak_bytes);
	EXPECT_HOLDINGS_BACK(&before);
}
