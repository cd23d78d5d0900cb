// SPDX-License-Identifier: MIT
/* cycles.c - very many buffers, one after the other, and what they leave behind. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "life.h"
#include "memory.h"

/*
 * A tenth of the catalogue's 10^5, for the sake of slow guests: what each buffer leaves behind adds
 * up to enough all the same.
 */
#define CYCLES 10000
/* The smallest thing that a buffer's life could leave behind takes 32 bytes or so. */
#define LEAK_BYTES (CYCLES / 2 * 32)
/* So many first: what is cached or held back for a while (KASAN's quarantine) is so after them. */
#define WARM_UP (CYCLES / 5)

static void cycle(int heap, int times)
{
	const size_t page = page_size();

	for (int i = 0; i < times; i++) {
		int fd = MUST(heap_allocate(heap, page, O_RDWR | O_CLOEXEC, 0));
		volatile char *at = buffer_map(fd, page);

		at[i % (int)page] = 1;
		buffer_unmap((void *)at, page);
		MUST(close(fd));
	}
}

CASE(cycles, "life.cycles", CATALOGUE("LIFE-11"), CLASS(ABI),
     STATEMENT("Ten thousand buffers allocated, mapped, written and freed leave nothing behind."),
     SOURCE(RELEASE_SOURCE), NEEDS("heap"), TIMEOUT(60000))
{
	int heap = heap_open(O_RDWR);
	struct holdings before;
	uint64_t slab, now;

	cycle(heap, WARM_UP);
	before = holdings_now();
	slab = meminfo_bytes("SUnreclaim");
	cycle(heap, CYCLES);
	now = meminfo_bytes("SUnreclaim");
	fp_note("SUnreclaim was %llu KiB and is %llu KiB", (unsigned long long)slab / 1024,
		(unsigned long long)now / 1024);
	if (now > slab + LEAK_BYTES)
		fp_failf(__FILE__, __LINE__, "SUnreclaim", "no growth to speak of",
			 "%llu KiB more after %d buffers", (unsigned long long)(now - slab) / 1024,
			 CYCLES);
	EXPECT_HOLDINGS_BACK(&before);
}
