// SPDX-License-Identifier: MIT
/* leak.c - a name's memory, over very many names. */
#include "ktap.h"
#include "buffer-name.h"
#include "heap.h"
#include "memory.h"

#define RENAMES 100000
/* A leaked name takes at least 32 bytes; a fifth of all being leaked is to be seen. */
#define LEAK_BYTES (RENAMES / 5 * 32)

static void rename_often(int fd)
{
	static const char *const names[] = {"a name of thirty-one characters",
					    "another, as long as that one is"};

	for (int i = 0; i < RENAMES; i++)
		MUST(set_name(fd, names[i % 2]));
}

CASE(renames, "heap.name.renames", CATALOGUE("SETN-04"), CLASS(ABI),
     STATEMENT("A hundred thousand renames leave no memory behind."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_set_name()"), NEEDS("heap"), TIMEOUT(30000))
{
	int fd = heap_buffer(page_size());
	uint64_t before, after;

	/* Whatever is cached or held back for a while (KASAN's quarantine) is so after the first
	 * round. */
	rename_often(fd);
	before = meminfo_bytes("SUnreclaim");
	rename_often(fd);
	after = meminfo_bytes("SUnreclaim");
	if (after > before + LEAK_BYTES)
		fp_failf(__FILE__, __LINE__, "SUnreclaim", "no growth to speak of",
			 "%llu KiB more after %d renames",
			 (unsigned long long)(after - before) / 1024, RENAMES);
	fp_note("SUnreclaim was %llu KiB and is %llu KiB", (unsigned long long)before / 1024,
		(unsigned long long)after / 1024);
}
