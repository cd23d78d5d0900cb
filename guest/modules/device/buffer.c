// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Buffers as a driver in the kernel uses them: by a reference of its own, and through vmap. */
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "holdings.h"
#include "importer.h"

long buffer_hold(struct holdings *holdings, struct fencepost_hold *wanted)
{
	struct buffer_held *held = kzalloc(sizeof(*held), GFP_KERNEL);
	int result;

	if (!held)
		return -ENOMEM;
	held->dmabuf = dma_buf_get(wanted->fd);
	if (IS_ERR(held->dmabuf)) {
		result = PTR_ERR(held->dmabuf);
		goto free;
	}
	result = holdings_add(&holdings->buffers, held, FENCEPOST_MAX_BUFFERS, &wanted->buffer);
	if (!result)
		return 0;
	dma_buf_put(held->dmabuf);
free:
	kfree(held);
	return result;
}

static void let_go(struct buffer_held *held)
{
	for (; held->vmaps; held->vmaps--)
		import_vunmap(held->dmabuf, held->vaddr);
	dma_buf_put(held->dmabuf);
	kfree(held);
}

long buffer_let_go(struct holdings *holdings, u32 id)
{
	struct buffer_held *held = xa_load(&holdings->buffers, id);

	if (!held)
		return -ENOENT;
	if (held->vmaps)
		return -EBUSY;
	xa_erase(&holdings->buffers, id);
	let_go(held);
	return 0;
}

void buffers_release(struct holdings *holdings)
{
	struct buffer_held *held;
	unsigned long id;

	xa_for_each(&holdings->buffers, id, held) let_go(held);
}

long buffer_state(struct holdings *holdings, struct fencepost_state *wanted)
{
	struct buffer_held *held = xa_load(&holdings->buffers, wanted->buffer);
	struct list_head *place;
	int result;

	if (wanted->pad)
		return -EINVAL;
	if (!held)
		return -ENOENT;
	result = dma_resv_lock_interruptible(held->dmabuf->resv, NULL);
	if (result)
		return result;
	wanted->attachments = 0;
	list_for_each(place, &held->dmabuf->attachments) wanted->attachments++;
	dma_resv_unlock(held->dmabuf->resv);
	wanted->vmaps = held->vmaps;
	wanted->size = held->dmabuf->size;
	wanted->references = file_count(held->dmabuf->file);
	return 0;
}

long buffer_vmap(struct holdings *holdings, struct fencepost_vmap *wanted)
{
	struct buffer_held *held = xa_load(&holdings->buffers, wanted->buffer);
	void *vaddr;

	if (!held)
		return -ENOENT;
	if (held->vmaps == FENCEPOST_MAX_VMAPS)
		return -ENOSPC;
	vaddr = import_vmap(held->dmabuf);
	if (IS_ERR(vaddr))
		return PTR_ERR(vaddr);
	held->vaddr = vaddr;
	held->vmaps++;
	wanted->address = (unsigned long)vaddr;
	wanted->present = 1;
	return 0;
}

/* Addresses are not used again soon after they are given back, so what is there is this buffer's.
 */
static u32 page_present(const void *vaddr)
{
	if (!is_vmalloc_addr(vaddr))
		return 2;
	return vmalloc_to_page(vaddr) ? 1 : 0;
}

long buffer_vunmap(struct holdings *holdings, struct fencepost_vmap *wanted)
{
	struct buffer_held *held = xa_load(&holdings->buffers, wanted->buffer);

	if (!held)
		return -ENOENT;
	if (!held->vmaps)
		return -EINVAL;
	import_vunmap(held->dmabuf, held->vaddr);
	held->vmaps--;
	wanted->address = (unsigned long)held->vaddr;
	wanted->present = page_present(held->vaddr);
	return 0;
}

long buffer_pages(struct holdings *holdings, const struct fencepost_pages *wanted)
{
	struct buffer_held *held = xa_load(&holdings->buffers, wanted->buffer);
	u64 __user *to = u64_to_user_ptr(wanted->data);
	u64 pages;
	u32 i;

	if (!held)
		return -ENOENT;
	pages = held->dmabuf->size >> PAGE_SHIFT;
	if (!held->vmaps || wanted->count > FENCEPOST_MAX_ENTRIES || wanted->count > pages ||
	    wanted->first > pages - wanted->count)
		return -EINVAL;
	for (i = 0; i < wanted->count; i++) {
		void *at = held->vaddr + ((wanted->first + i) << PAGE_SHIFT);
		u64 address;

		if (is_vmalloc_addr(at)) {
			struct page *page = vmalloc_to_page(at);

			if (!page)
				return -ENXIO;
			address = (u64)page_to_pfn(page) << PAGE_SHIFT;
		} else {
			address = virt_to_phys(at);
		}
		if (put_user(address, to + i))
			return -EFAULT;
	}
	return 0;
}

long buffer_access(struct holdings *holdings, const struct fencepost_access *wanted, bool begin)
{
	struct buffer_held *held = xa_load(&holdings->buffers, wanted->buffer);

	if (wanted->direction > DMA_FROM_DEVICE)
		return -EINVAL;
	if (!held)
		return -ENOENT;
	return begin ? dma_buf_begin_cpu_access(held->dmabuf, wanted->direction)
		     : dma_buf_end_cpu_access(held->dmabuf, wanted->direction);
}
