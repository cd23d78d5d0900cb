// SPDX-License-Identifier: MIT
/* DMA_BUF_IOCTL_SYNC on a udmabuf, which maps its pages for a device of its own at the first START.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "buffer-fence.h"
#include "udmabuf-node.h"
#include "heap.h"
#include "dma-debug.h"
#include "kernel-parts.h"
#include "ktap.h"
#include "memfd.h"
#include "pages.h"

#define START(direction) (DMA_BUF_SYNC_START | DMA_BUF_SYNC_##direction)
#define END(direction)	 (DMA_BUF_SYNC_END | DMA_BUF_SYNC_##direction)

static int small_buffer(void)
{
	return udmabuf_of(memfd_for_udmabuf(4 * page_size()), 4 * page_size());
}

CASE(end_first, "udmabuf.sync.end-first", CATALOGUE("UDB-18"), CLASS(QUIRK),
     STATEMENT("END before any START is EINVAL, in all directions."),
     SOURCE("drivers/dma-buf/udmabuf.c: end_cpu_udmabuf()"), NEEDS("udmabuf"))
{
	int buffer = small_buffer();

	EXPECT_ERRNO(buffer_sync(buffer, END(READ)), EINVAL);
	EXPECT_ERRNO(buffer_sync(buffer, END(WRITE)), EINVAL);
	EXPECT_ERRNO(buffer_sync(buffer, END(RW)), EINVAL);
	MUST(buffer_sync(buffer, START(RW)));
	MUST(buffer_sync(buffer, END(RW)));
	/* From now on END is accepted at any time. */
	MUST(buffer_sync(buffer, END(RW)));
	/* Another buffer of the same kind starts anew. */
	EXPECT_ERRNO(buffer_sync(small_buffer(), END(RW)), EINVAL);
}

CASE(keeps, "udmabuf.sync.keeps-data", CATALOGUE("UDB-18"), CLASS(ABI),
     STATEMENT("START and END, the first included, leave the data of buffer and memfd as it is."),
     SOURCE("drivers/dma-buf/udmabuf.c: begin_cpu_udmabuf(), end_cpu_udmabuf()"), NEEDS("udmabuf"))
{
	size_t bytes = 4 * page_size();
	int memfd = memfd_for_udmabuf(bytes), buffer = udmabuf_of(memfd, bytes);
	char *file = map_pages(memfd, 0, 4), *ours = map_pages(buffer, 0, 4);

	if (kernel_bounces_all())
		fp_skip("needs shared memory: where SYNC moves data udmabuf.bounce.* say what "
			"becomes of it");
	mark_pages(file, 0, 4, 0x51);
	MUST(buffer_sync(buffer, START(RW)));
	EXPECT_PAGES(ours, 0, 4, 0x51);
	mark_pages(ours, 0, 4, 0x52);
	MUST(buffer_sync(buffer, END(RW)));
	EXPECT_PAGES(file, 0, 4, 0x52);
	mark_pages(file, 0, 4, 0x53);
	for (int i = 0; i < 3; i++) {
		MUST(buffer_sync(buffer, START(RW)));
		EXPECT_PAGES(ours, 0, 4, 0x53);
		MUST(buffer_sync(buffer, END(RW)));
		EXPECT_PAGES(file, 0, 4, 0x53);
	}
}

CASE(released, "udmabuf.sync.released", CATALOGUE("UDB-20"), CLASS(ABI),
     STATEMENT("A buffer that was synced lets go of all its pages when it is closed, whatever the "
	       "direction was."),
     SOURCE("drivers/dma-buf/udmabuf.c: release_udmabuf()"), NEEDS("udmabuf"))
{
	static const uint64_t starts[] = {START(READ), START(WRITE), START(RW)};

	for (size_t i = 0; i < 3; i++) {
		int memfd = memfd_for_udmabuf(4 * page_size());
		int buffer = udmabuf_of(memfd, 4 * page_size());

		fp_context("flags %#llx", (unsigned long long)starts[i]);
		MUST(buffer_sync(buffer, starts[i]));
		MUST(close(buffer));
		EXPECT_UNPINNED(memfd);
	}
}

CASE(direction, "udmabuf.sync.release-direction", CATALOGUE("UDB-20"), CLASS(ABI),
     STATEMENT("The release unmaps with the direction that the first START mapped with: DMA-API "
	       "debugging finds no error."),
     SOURCE("drivers/dma-buf/udmabuf.c: release_udmabuf(); kernel/dma/debug.c: check_unmap()"),
     NEEDS("udmabuf dma-api-debug"))
{
	static const uint64_t starts[] = {START(READ), START(WRITE), START(RW)};
	unsigned long errors = dma_debug_errors();

	for (size_t i = 0; i < 3; i++) {
		int buffer = small_buffer();

		fp_context("flags %#llx", (unsigned long long)starts[i]);
		MUST(buffer_sync(buffer, starts[i]));
		MUST(buffer_sync(buffer, starts[i] | DMA_BUF_SYNC_END));
		MUST(close(buffer));
		EXPECT_EQ(dma_debug_errors(), errors);
	}
}

CASE(mixed, "udmabuf.sync.mixed-directions", CATALOGUE("UDB-20"), CLASS(ABI),
     STATEMENT(
	     "SYNC in other directions than the first START's is no error of the DMA API either."),
     SOURCE("drivers/dma-buf/udmabuf.c: begin_cpu_udmabuf(); kernel/dma/debug.c: check_sync()"),
     NEEDS("udmabuf dma-api-debug"))
{
	static const uint64_t all[] = {START(READ), START(WRITE), START(RW)};
	unsigned long errors = dma_debug_errors();

	for (size_t first = 0; first < 3; first++) {
		int buffer = small_buffer();

		MUST(buffer_sync(buffer, all[first]));
		MUST(buffer_sync(buffer, all[first] | DMA_BUF_SYNC_END));
		for (size_t next = 0; next < 3; next++) {
			fp_context("flags %#llx after %#llx", (unsigned long long)all[next],
				   (unsigned long long)all[first]);
			MUST(buffer_sync(buffer, all[next]));
			MUST(buffer_sync(buffer, all[next] | DMA_BUF_SYNC_END));
			EXPECT_EQ(dma_debug_errors(), errors);
		}
		MUST(close(buffer));
	}
}
