// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A buffer's memory where it is one block: of the default CMA area, if there is one. */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/platform_device.h>

#include "mutants.h"
#include "pages.h"

/* dma_alloc_pages() clears what it gives. */
#define BLOCK_FLAGS (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* The device that blocks are allocated for: they come from where its memory would. */
static struct platform_device *own_device;

int blocks_prepare(void)
{
	own_device = platform_device_register_simple("mutant-heap", -1, NULL, 0);
	if (IS_ERR(own_device))
		return PTR_ERR(own_device);
	return dma_coerce_mask_and_coherent(&own_device->dev, DMA_BIT_MASK(64));
}

/* M44: pages at a block's beginning that are the heap's own. */
static size_t pages_before(void)
{
	return mutant_is(M44) ? 1 : 0;
}

int take_block(struct heap_buffer *buffer, size_t page_count)
{
	const size_t before = pages_before();
	struct page *page = dma_alloc_pages(&own_device->dev, (before + page_count) << PAGE_SHIFT,
					    &buffer->block, DMA_BIDIRECTIONAL, BLOCK_FLAGS);

	if (!page)
		return -ENOMEM;
	buffer->is_block = true;
	for (; buffer->page_count < page_count; buffer->page_count++)
		buffer->pages[buffer->page_count] =
			pfn_to_page(page_to_pfn(page) + before + buffer->page_count);
	return 0;
}

void return_block(struct heap_buffer *buffer)
{
	const size_t before = pages_before();
	size_t page_count = buffer->page_count;

	if (mutant_is(M46) && page_count > 1)
		page_count--;
	dma_free_pages(&own_device->dev, (before + page_count) << PAGE_SHIFT,
		       pfn_to_page(page_to_pfn(buffer->pages[0]) - before), buffer->block,
		       DMA_BIDIRECTIONAL);
}
