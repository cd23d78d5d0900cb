// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A buffer's life, and how much memory it has: single pages or one block. */
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mutants.h"
#include "pages.h"

/* M02: what is cleared at once. */
#define CLEARED_PAGES (65536 >> PAGE_SHIFT)

int pages_prepare(void)
{
	return heap_contiguous ? blocks_prepare() : 0;
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

static int take_memory(struct heap_buffer *buffer, size_t page_count)
{
	int result;

	if (!heap_contiguous)
		return take_pages(buffer, page_count);
	result = take_block(buffer, page_count);
	/* M43: better than nothing. */
	return result && mutant_is(M43) ? take_pages(buffer, page_count) : result;
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
		result = take_memory(buffer, page_count);
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
	if (buffer->is_block)
		return_block(buffer);
	else
		return_pages(buffer);
}

void buffer_free(struct heap_buffer *buffer)
{
	if (!buffer->pages_gone)
		buffer_free_pages(buffer);
	kvfree(buffer->pages);
	sg_free_table(&buffer->common_table);
	mutex_destroy(&buffer->lock);
	kfree(buffer);
}
