// SPDX-License-Identifier: MIT
/* Memory that some devices reach and others do not: beyond 4 GiB. */
#include <stdlib.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "buffer-pages.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

/* A chunk of 16 pages and single ones, where a heap has such; small enough to be bounced whole. */
enum { FAR_PAGES = 19 };

#define FAR_SOURCE                                                                                 \
	SOURCE("include/linux/dma-buf.h: dma_buf_ops.attach, map_dma_buf; kernel/dma/direct.h: "   \
	       "dma_direct_map_page(); kernel/dma/swiotlb.c: swiotlb_map()")

/* A buffer, and where its pages are. */
struct far {
	int buffer;
	size_t bytes;
	unsigned char *at, *copy;
	uint64_t *pages;
};

static struct far far_buffer(void)
{
	struct far far = {.bytes = FAR_PAGES * page_size()};

	far.buffer = heap_buffer(far.bytes);
	far.at = buffer_map(far.buffer, far.bytes);
	far.copy = malloc(far.bytes);
	EXPECT_TRUE(far.copy);
	far.pages = buffer_pages(far.buffer, far.bytes);
	return far;
}

/* What one side wrote the other finds, once SYNC was said. */
static void expect_moves(const struct far *far, uint32_t attachment)
{
	EXPECT_OK(buffer_sync(far->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	fill(far->at, 0, far->bytes, 1);
	EXPECT_OK(buffer_sync(far->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	device_read(attachment, 0, far->copy, far->bytes);
	EXPECT_FILLED(far->copy, 0, far->bytes, 1);
	fill(far->copy, 0, far->bytes, 2);
	device_write(attachment, 0, far->copy, far->bytes);
	EXPECT_OK(buffer_sync(far->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_FILLED(far->at, 0, far->bytes, 2);
	EXPECT_OK(buffer_sync(far->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
}

/* How many of the pieces lie elsewhere than the buffer's pages; each is within the limit. */
static uint32_t count_bounced(const struct far *far, uint32_t attachment, uint64_t limit)
{
	struct fencepost_segment *pieces;
	uint32_t count = device_segments(attachment, &pieces), bounced = 0;
	size_t offset = 0;

	for (uint32_t i = 0; i < count; offset += pieces[i++].length) {
		EXPECT_TRUE(pieces[i].address + pieces[i].length - 1 <= limit);
		bounced += pieces[i].address != far->pages[offset / page_size()];
	}
	fp_note("%u of %u pieces are bounced", bounced, count);
	free(pieces);
	return bounced;
}

CASE(far_32, "importer.far-32-bits", CATALOGUE("IMP-05"), CLASS(ABI),
     STATEMENT("A device of 32 bits is given addresses below 4 GiB, wherever the buffer lies, and "
	       "what it and programs write reaches the other after SYNC."),
     FAR_SOURCE, NEEDS("heap device vmap far"))
{
	struct far far = far_buffer();
	uint32_t device = device_make_limited((struct fencepost_device){.mask = UINT32_MAX}),
		 attachment = device_attach(device, far.buffer), beyond = 0, bounced;

	for (size_t i = 0; i < FAR_PAGES; i++)
		beyond += far.pages[i] > UINT32_MAX;
	fp_note("%u of %d pages lie beyond 4 GiB", beyond, FAR_PAGES);
	EXPECT_OK(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	bounced = count_bounced(&far, attachment, UINT32_MAX);
	EXPECT_TRUE((bounced > 0) == (beyond > 0));
	expect_moves(&far, attachment);
	device_unmap(attachment);
	device_detach(attachment);
}

static int by_address(const void *left, const void *right)
{
	const struct fencepost_segment *one = left, *other = right;

	return (one->address > other->address) - (one->address < other->address);
}

/* An address that the lower half of the pieces lies below. */
static uint64_t middle_of(const struct far *far)
{
	uint32_t attachment = device_with(far->buffer, FENCEPOST_BIDIRECTIONAL);
	struct fencepost_segment *pieces;
	uint32_t count = device_segments(attachment, &pieces);
	uint64_t limit;

	if (count < 2)
		fp_skip("needs pieces: this heap's buffers are one piece");
	qsort(pieces, count, sizeof(*pieces), by_address);
	limit = pieces[count / 2 - 1].address + pieces[count / 2 - 1].length - 1;
	free(pieces);
	device_unmap(attachment);
	device_detach(attachment);
	return limit;
}

CASE(mixed, "importer.narrow-mixed", CATALOGUE("IMP-05"), CLASS(ABI),
     STATEMENT(
	     "A device that reaches some of a buffer's pages has these as they are, and the others "
	     "in bounce buffers; SYNC keeps both right."),
     FAR_SOURCE, NEEDS("heap device vmap far"))
{
	struct far far = far_buffer();
	uint64_t limit = middle_of(&far);
	uint32_t device = device_make_limited((struct fencepost_device){.limit = limit}),
		 attachment = device_attach(device, far.buffer), bounced, count;
	struct fencepost_segment *pieces;

	fp_context("a device that reaches 0x%llx", (unsigned long long)limit);
	if (limit <= UINT32_MAX)
		fp_skip("needs far: these pages lie below 4 GiB, where bounce buffers may be out "
			"of "
			"reach as well");
	EXPECT_OK(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	count = device_segments(attachment, &pieces);
	bounced = count_bounced(&far, attachment, limit);
	EXPECT_TRUE(bounced > 0);
	EXPECT_TRUE(bounced < count);
	expect_moves(&far, attachment);
}
