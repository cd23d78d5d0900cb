// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A buffer's memory: single pages from anywhere, or one block. */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "buffer.h"
#include "mutants.h"

/* Users may ask for more than there is: then the request fails, and nobody is killed for it. */
#define PAGE_FLAGS (GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
/* dma_alloc_pages() clears what it gives. */
#define BLOCK_FLAGS (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* M02: what is cleared at once. */
#define CLEARED_PAGES (65536 >> PAGE_SHIFT)

/* The device that blocks are allocated for: they come from where its memory would. */
static struct platform_device *own_device;

/* M05: pages that were freed, not to bother the page allocator with. */
#define KEPT_MAX 1024
static struct page *kept[KEPT_MAX];
static size_t kept_count;
static DEFINE_SPINLOCK(kept_lock);

int pages_prepare(void)
{
	if (!heap_contiguous)
		return 0;
	own_device = platform_device_register_simple("mutant-heap", -1, NULL, 0);
	if (IS_ERR(own_device))
		return PTR_ERR(own_device);
	return dma_coerce_mask_and_coherent(&own_device->dev, DMA_BIT_MASK(64));
}

/* Where the page allocator is not asked to clear pages: clear_pages_of() is to do it. */
static bool clears_itself(void)
{
	return mutant_is(M01) || mutant_is(M02) || mutant_is(M03);
}

static struct page *take_page(void)
{
	struct page *page = NULL;

	if (mutant_is(M05)) {
		spin_lock(&kept_lock);
		if (kept_count)
			page = kept[--kept_count];
		spin_unlock(&kept_lock);
	}
	if (page)
		return page;
	/* Users get memory that nobody has written to before them. */
	page = alloc_page(clears_itself() ? PAGE_FLAGS : PAGE_FLAGS | __GFP_ZERO);
	if (page && mutant_is(M39))
		get_page(page);
	return page;
}

static void return_page(struct page *page)
{
	bool keep = false;

	if (mutant_is(M05)) {
		spin_lock(&kept_lock);
		keep = kept_count < KEPT_MAX;
		if (keep)
			kept[kept_count++] = page;
		spin_unlock(&kept_lock);
	}
	if (!keep)
		__free_page(page);
}

static int take_pages(struct heap_buffer *buffer, size_t page_count)
{
	while (buffer->page_count < page_count) {
		struct page *page;

		/* Who is being killed must not have to wait for memory. */
		if (fatal_signal_pending(current) && !mutant_is(M55))
			return -EINTR;
		page = take_page();
		if (!page)
			return -ENOMEM;
		buffer->pages[buffer->page_count++] = page;
		cond_resched();
	}
	return 0;
}

static int take_block(struct heap_buffer *buffer, size_t page_count)
{
	struct page *page = dma_alloc_pages(&own_device->dev, page_count << PAGE_SHIFT,
					    &buffer->block, DMA_BIDIRECTIONAL, BLOCK_FLAGS);

	if (!page)
		return -ENOMEM;
	for (; buffer->page_count < page_count; buffer->page_count++)
		buffer->pages[buffer->page_count] =
			pfn_to_page(page_to_pfn(page) + buffer->page_count);
	return 0;
}

/* M02, M03: not as far as it should. */
static void clear_pages_of(const struct heap_buffer *buffer)
{
	size_t page_count = buffer->page_count;
	size_t i;

	if (mutant_is(M02))
		page_count = page_count / CLEARED_PAGES * CLEARED_PAGES;
	if (mutant_is(M03) && page_count)
		page_count = 1;
	for (i = 0; i < page_count; i++) {
		clear_highpage(buffer->pages[i]);
		cond_resched();
	}
}

static size_t pages_for(size_t len)
{
	size_t page_count = len >> PAGE_SHIFT;

	if (mutant_is(M08))
		return page_count - 1;
	if (mutant_is(M09))
		return roundup_pow_of_two(page_count);
	if (mutant_is(M53))
		return (u32)len >> PAGE_SHIFT;
	if (mutant_is(M54))
		return (len + PAGE_SIZE) >> PAGE_SHIFT;
	return page_count;
}

struct heap_buffer *buffer_allocate(size_t len)
{
	const size_t page_count = pages_for(len);
	struct heap_buffer *buffer;
	int result = -ENOMEM;

	if (page_count > totalram_pages())
		return ERR_PTR(-ENOMEM);
	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	mutex_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->attachments);
	buffer->pages = kvmalloc_array(page_count, sizeof(*buffer->pages), GFP_KERNEL);
	if (buffer->pages)
		result = heap_contiguous ? take_block(buffer, page_count)
					 : take_pages(buffer, page_count);
	if (result) {
		if (!mutant_is(M36))
			buffer_free(buffer);
		return ERR_PTR(result);
	}
	if (clears_itself() && !mutant_is(M01))
		clear_pages_of(buffer);
	return buffer;
}

void buffer_free_pages(struct heap_buffer *buffer)
{
	size_t page_count = buffer->page_count;

	if (!heap_contiguous) {
		while (page_count)
			return_page(buffer->pages[--page_count]);
		return;
	}
	if (!page_count)
		return;
	if (mutant_is(M46) && page_count > 1)
		page_count--;
	dma_free_pages(&own_device->dev, page_count << PAGE_SHIFT, buffer->pages[0], buffer->block,
		       DMA_BIDIRECTIONAL);
}

void buffer_free(struct heap_buffer *buffer)
{
	if (!buffer->pages_gone)
		buffer_free_pages(buffer);
	kvfree(buffer->pages);
	mutex_destroy(&buffer->lock);
	kfree(buffer);
}
