// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * A heap of single pages, mapped cached: about the least that keeps every promise of the DMA-BUF
 * heap interface, to start a driver from and to try Fencepost out with.
 *
 * Each function below says which promise it keeps; `fencepost list` has them all, with their
 * sources.
 */
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"

#define HEAP_NAME "example"

/*
 * Users get memory that nobody has written to before them. They may ask for more than there is:
 * then the request fails, and nobody else is killed for it.
 */
#define PAGE_FLAGS (GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN | __GFP_ZERO)

struct example_buffer {
	size_t page_count;
	struct page **pages;
	/* Guards all that follows. */
	struct mutex lock;
	struct list_head attachments;
	/* Where the kernel has mapped it; NULL where it has not. */
	void *vaddr;
};

/* A device's view of a buffer. The scatter list is its own: each device has addresses of its own.
 */
struct example_attachment {
	struct device *device;
	struct sg_table table;
	bool mapped;
	struct list_head node;
};

static size_t example_size(const struct example_buffer *buffer)
{
	return buffer->page_count << PAGE_SHIFT;
}

static int example_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_attachment *own;
	int result;

	own = kzalloc(sizeof(*own), GFP_KERNEL);
	if (!own)
		return -ENOMEM;
	/* In no longer pieces than the device can be told of. */
	result = heap_sg_table(&own->table, buffer->pages, buffer->page_count, attachment->dev);
	if (result) {
		kfree(own);
		return result;
	}
	own->device = attachment->dev;
	attachment->priv = own;
	mutex_lock(&buffer->lock);
	list_add(&own->node, &buffer->attachments);
	mutex_unlock(&buffer->lock);
	return 0;
}

static void example_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_attachment *own = attachment->priv;

	mutex_lock(&buffer->lock);
	list_del(&own->node);
	mutex_unlock(&buffer->lock);
	sg_free_table(&own->table);
	kfree(own);
}

static struct sg_table *example_map(struct dma_buf_attachment *attachment,
				    enum dma_data_direction direction)
{
	struct example_buffer *buffer = attachment->dmabuf->priv;
	struct example_attachment *own = attachment->priv;
	int result;

	mutex_lock(&buffer->lock);
	result = dma_map_sgtable(own->device, &own->table, direction, 0);
	own->mapped = !result;
	mutex_unlock(&buffer->lock);
	return result ? ERR_PTR(result) : &own->table;
}

static void example_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
			  enum dma_data_direction direction)
{
	struct example_buffer *buffer = attachment->dmabuf->priv;
	struct example_attachment *own = attachment->priv;

	mutex_lock(&buffer->lock);
	own->mapped = false;
	dma_unmap_sgtable(own->device, table, direction, 0);
	mutex_unlock(&buffer->lock);
}

/* After this the processor sees what the devices wrote: DMA_BUF_IOCTL_SYNC with DMA_BUF_SYNC_START.
 */
static int example_begin_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_attachment *own;

	mutex_lock(&buffer->lock);
	if (buffer->vaddr)
		invalidate_kernel_vmap_range(buffer->vaddr, example_size(buffer));
	list_for_each_entry(own, &buffer->attachments, node) if (own->mapped)
		dma_sync_sgtable_for_cpu(own->device, &own->table, direction);
	mutex_unlock(&buffer->lock);
	return 0;
}

/* After this the devices see what the processor wrote: DMA_BUF_SYNC_END. */
static int example_end_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct example_buffer *buffer = dmabuf->priv;
	struct example_attachment *own;

	mutex_lock(&buffer->lock);
	if (buffer->vaddr)
		flush_kernel_vmap_range(buffer->vaddr, example_size(buffer));
	list_for_each_entry(own, &buffer->attachments, node) if (own->mapped)
		dma_sync_sgtable_for_device(own->device, &own->table, direction);
	mutex_unlock(&buffer->lock);
	return 0;
}

/* The DMA-BUF core has checked that the area lies within the buffer; it may begin anywhere in it.
 */
static int example_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct example_buffer *buffer = dmabuf->priv;
	unsigned long address = vma->vm_start;
	size_t page = vma->vm_pgoff;

	for (; address < vma->vm_end && page < buffer->page_count; address += PAGE_SIZE, page++) {
		int result = remap_pfn_range(vma, address, page_to_pfn(buffer->pages[page]),
					     PAGE_SIZE, vma->vm_page_prot);

		if (result)
			return result;
	}
	return 0;
}

/* The core calls this for the first of those who want a mapping, and example_vunmap() for the last.
 */
static void *example_vmap(struct dma_buf *dmabuf)
{
	struct example_buffer *buffer = dmabuf->priv;
	void *vaddr = vmap(buffer->pages, buffer->page_count, VM_MAP, PAGE_KERNEL);

	if (!vaddr)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&buffer->lock);
	buffer->vaddr = vaddr;
	mutex_unlock(&buffer->lock);
	return vaddr;
}

static void example_vunmap(struct dma_buf *dmabuf)
{
	struct example_buffer *buffer = dmabuf->priv;
	void *vaddr;

	mutex_lock(&buffer->lock);
	vaddr = buffer->vaddr;
	buffer->vaddr = NULL;
	mutex_unlock(&buffer->lock);
	vunmap(vaddr);
}

static void example_free(struct example_buffer *buffer)
{
	while (buffer->page_count)
		__free_page(buffer->pages[--buffer->page_count]);
	kvfree(buffer->pages);
	mutex_destroy(&buffer->lock);
	kfree(buffer);
}

/* The last user is gone: descriptors, mappings and attachments each hold the buffer. */
static void example_release(struct dma_buf *dmabuf)
{
	example_free(dmabuf->priv);
}

DEFINE_HEAP_VMAP(example_vmap_op, example_vunmap_op, example_vmap, example_vunmap)

static const struct dma_buf_ops example_buffer_ops = {
	.attach = example_attach,
	.detach = example_detach,
	.map_dma_buf = example_map,
	.unmap_dma_buf = example_unmap,
	.begin_cpu_access = example_begin_access,
	.end_cpu_access = example_end_access,
	.mmap = example_mmap,
	.vmap = example_vmap_op,
	.vunmap = example_vunmap_op,
	.release = example_release,
};

static struct example_buffer *example_allocate_pages(size_t page_count)
{
	struct example_buffer *buffer;
	int result = -ENOMEM;

	if (page_count > totalram_pages())
		return ERR_PTR(-ENOMEM);
	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	mutex_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->attachments);
	buffer->pages = kvmalloc_array(page_count, sizeof(*buffer->pages), GFP_KERNEL);
	if (!buffer->pages)
		goto fail;
	while (buffer->page_count < page_count) {
		struct page *page;

		/* Who is being killed must not have to wait for memory. */
		if (fatal_signal_pending(current)) {
			result = -EINTR;
			goto fail;
		}
		page = alloc_page(PAGE_FLAGS);
		if (!page)
			goto fail;
		buffer->pages[buffer->page_count++] = page;
		cond_resched();
	}
	return buffer;

fail:
	example_free(buffer);
	return ERR_PTR(result);
}

/* The heap interface has rounded the length up to whole pages, and refused 0. */
static struct dma_buf *example_allocate(size_t len, u32 fd_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct example_buffer *buffer;
	struct dma_buf *dmabuf;

	buffer = example_allocate_pages(len >> PAGE_SHIFT);
	if (IS_ERR(buffer))
		return ERR_CAST(buffer);
	info.exp_name = HEAP_NAME;
	info.ops = &example_buffer_ops;
	info.size = example_size(buffer);
	info.flags = fd_flags;
	info.priv = buffer;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		example_free(buffer);
	return dmabuf;
}

DEFINE_HEAP_ALLOCATE(example_allocate_op, example_allocate)

static const struct dma_heap_ops example_heap_ops = {
	.allocate = example_allocate_op,
};

static int __init example_heap_init(void)
{
	const struct dma_heap_export_info info = {
		.name = HEAP_NAME,
		.ops = &example_heap_ops,
	};

	return PTR_ERR_OR_ZERO(dma_heap_add(&info));
}
module_init(example_heap_init);

/*
 * No exit function, on purpose: a heap cannot be removed again, and a module that went away would
 * leave one behind whose functions are gone.
 */
MODULE_DESCRIPTION("Example of a DMA-BUF heap");
MODULE_LICENSE("Dual MIT/GPL");
IMPORT_NAMESPACE(DMA_BUF);
IMPORT_NAMESPACE(DMA_BUF_HEAP);
