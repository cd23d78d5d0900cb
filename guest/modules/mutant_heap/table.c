// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A buffer's pages as a scatter list. */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "attachment.h"
#include "compat.h"

/* M41: in one piece with the page before it, since it comes after that. */
static bool goes_on(const struct heap_buffer *buffer, size_t page)
{
	return page && page_to_pfn(buffer->pages[page]) > page_to_pfn(buffer->pages[page - 1]);
}

static int make_joined(struct sg_table *table, const struct heap_buffer *buffer)
{
	struct scatterlist *piece = NULL;
	unsigned int pieces = 0;
	size_t page;
	int result;

	for (page = 0; page < buffer->page_count; page++)
		pieces += !goes_on(buffer, page);
	result = sg_alloc_table(table, pieces, GFP_KERNEL);
	if (result)
		return result;
	for (page = 0; page < buffer->page_count; page++) {
		if (goes_on(buffer, page)) {
			piece->length += PAGE_SIZE;
			continue;
		}
		piece = piece ? sg_next(piece) : table->sgl;
		sg_set_page(piece, buffer->pages[page], PAGE_SIZE, 0);
	}
	return 0;
}

/* M42: the pages as they come off a stack. */
static int make_backwards(struct sg_table *table, const struct heap_buffer *buffer,
			  struct device *device)
{
	const size_t page_count = buffer->page_count;
	struct page **stacked = kvmalloc_array(page_count, sizeof(*stacked), GFP_KERNEL);
	size_t page;
	int result;

	if (!stacked)
		return -ENOMEM;
	for (page = 0; page < page_count; page++)
		stacked[page] = buffer->pages[page_count - 1 - page];
	result = heap_sg_table(table, stacked, page_count, device);
	kvfree(stacked);
	return result;
}

int table_make(struct sg_table *table, const struct heap_buffer *buffer, struct device *device)
{
	if (mutant_is(M41))
		return make_joined(table, buffer);
	if (mutant_is(M42))
		return make_backwards(table, buffer, device);
	return heap_sg_table(table, buffer->pages, buffer->page_count, device);
}
