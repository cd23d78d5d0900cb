// SPDX-License-Identifier: MIT
/* The contiguous heap: blocks of the page allocator, which no heap suite looks at. */
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "heap.h"
#include "ktap.h"
#include "mark.h"
#include "memory.h"
#include "pages.h"
#include "played-device.h"

#define CONTIG                                                                                     \
	SOURCE("drivers/staging/android/ion/ion_system_heap.c: "                                   \
	       "ion_system_contig_heap_allocate(), ion_system_contig_heap_free()")

/* One page more than a power of two: the block that it is cut from is twice as large. */
#define ODD_PAGES 33

CASE(zero, "ion.contig.zero", CATALOGUE("ZERO-01"), CLASS(ABI),
     STATEMENT(
	     "Buffers of the contiguous heap are zero, fresh ones and those of memory that others "
	     "have freed, of any size."),
     CONTIG, ION_CASE, TIMEOUT(30000))
{
	static const size_t pages[] = {1, 2, ODD_PAGES, 256};
	int ion = ion_open();
	uint32_t mask = ion_mask(ion, ION_CONTIG_HEAP);

	make_free_memory_dirty();
	for (int cycle = 0; cycle < 4; cycle++) {
		for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
			const size_t bytes = pages[i] * page_size();
			int fd = EXPECT_OK(ion_allocate(ion, bytes, mask, ION_CACHED));
			char *at = buffer_map(fd, bytes);

			fp_context("%zu pages, cycle %d", pages[i], cycle);
			EXPECT_MARK(at, bytes, 0);
			memset(at, 0xa5, bytes);
			buffer_unmap(at, bytes);
			MUST(close(fd));
		}
	}
}

CASE(whole, "ion.contig.whole", CATALOGUE("MMAP-01"), CLASS(ABI),
     STATEMENT("All of a buffer of the contiguous heap can be mapped, and keeps what is written."),
     CONTIG, ION_CASE)
{
	int ion = ion_open(), fd;
	char *at;

	fd = EXPECT_OK(ion_allocate(ion, ODD_PAGES * page_size(), ion_mask(ion, ION_CONTIG_HEAP),
				    ION_CACHED));
	at = map_pages(fd, 0, ODD_PAGES);
	EXPECT_TRUE(writable(at + (ODD_PAGES - 1) * page_size()));
	mark_pages(at, 0, ODD_PAGES, 1);
	unmap_pages(at, ODD_PAGES);
	EXPECT_PAGES(map_pages(fd, 0, ODD_PAGES), 0, ODD_PAGES, 1);
}

CASE(one_piece, "ion.contig.one-piece", CATALOGUE("CMA-02"), CLASS(ABI),
     STATEMENT("A device is given a buffer of the contiguous heap in one piece."), CONTIG,
     UNTIL("5.10"), NEEDS("ion device"))
{
	static const size_t pages[] = {1, 2, ODD_PAGES};
	int ion = ion_open();
	uint32_t mask = ion_mask(ion, ION_CONTIG_HEAP);

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		int fd = EXPECT_OK(ion_allocate(ion, pages[i] * page_size(), mask, 0));
		uint32_t attachment = device_with(fd, FENCEPOST_TO_DEVICE);
		struct fencepost_segment *segments;

		fp_context("%zu pages", pages[i]);
		EXPECT_EQ(device_segments(attachment, &segments), 1);
		EXPECT_EQ(segments[0].length, pages[i] * page_size());
		device_unmap(attachment);
		device_detach(attachment);
		MUST(close(fd));
	}
}

CASE(taken, "ion.contig.taken", CATALOGUE("CMA-06"), CLASS(IMPL),
     STATEMENT(
	     "A buffer of the contiguous heap takes its own size of memory, not that of the block "
	     "that it is cut from, and all of it comes back."),
     CONTIG, ION_CASE, TIMEOUT(30000))
{
	const size_t bytes = ODD_PAGES * page_size();
	enum { BUFFERS = 120, CYCLES = 4096 };
	int ion = ion_open(), fds[BUFFERS];
	uint32_t mask = ion_mask(ion, ION_CONTIG_HEAP);
	uint64_t before, after;

	heap_require(BUFFERS * bytes);
	before = heap_free_bytes();
	for (int i = 0; i < BUFFERS; i++)
		fds[i] = EXPECT_OK(ion_allocate(ion, bytes, mask, 0));
	after = heap_free_bytes();
	fp_note("%llu KiB are gone for %d times %zu KiB",
		(unsigned long long)(before > after ? before - after : 0) / KIB, BUFFERS,
		bytes / KIB);
	EXPECT_TRUE(after > before || before - after <= BUFFERS * bytes + MEMORY_NOISE_BYTES);
	for (int i = 0; i < BUFFERS; i++)
		MUST(close(fds[i]));
	/* A page of each would be more than noise. */
	for (int i = 0; i < CYCLES; i++)
		MUST(close(EXPECT_OK(ion_allocate(ion, 2 * page_size(), mask, 0))));
	EXPECT_MEMORY_BACK(before);
}
