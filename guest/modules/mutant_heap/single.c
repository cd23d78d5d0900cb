// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A buffer's memory where it is single pages, from anywhere. */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "mutants.h"
#include "pages.h"

/* Users may ask for more than there is: then the request fails, and nobody is killed for it. */
#define PAGE_FLAGS (GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* M05: pages that were freed, not to bother the page allocator with. */
#define KEPT_MAX 1024
static struct page *kept[KEPT_MAX];
static size_t kept_count;
static DEFINE_SPINLOCK(kept_lock);

bool clears_itself(void)
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

/*
 * Pages that are allocated one after the other are often neighbours. As in a machine that has been
 * up for long, here hardly any are.
 */
static void scatter(struct heap_buffer *buffer)
{
	const size_t half = buffer->page_count / 2;
	size_t i;

	for (i = 0; i < half; i += 2)
		swap(buffer->pages[i], buffer->pages[i + half]);
}

int take_pages(struct heap_buffer *buffer, size_t page_count)
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
	if (heap_scattered)
		scatter(buffer);
	return 0;
}

void return_pages(struct heap_buffer *buffer)
{
	size_t page_count = buffer->page_count;

	while (page_count)
		return_page(buffer->pages[--page_count]);
}
