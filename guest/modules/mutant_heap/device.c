// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A buffer as devices see it: each has a scatter list of its own, for its addresses are its own. */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/slab.h>

#include "buffer.h"
#include "compat.h"
#include "mutants.h"

struct heap_attachment {
	struct device *device;
	struct sg_table table;
	bool mapped;
	struct list_head node;
};

int buffer_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own;
	int result;

	own = kzalloc(sizeof(*own), GFP_KERNEL);
	if (!own)
		return -ENOMEM;
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

void buffer_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own = attachment->priv;

	mutex_lock(&buffer->lock);
	list_del(&own->node);
	mutex_unlock(&buffer->lock);
	sg_free_table(&own->table);
	kfree(own);
}

struct sg_table *buffer_map(struct dma_buf_attachment *attachment,
			    enum dma_data_direction direction)
{
	struct heap_buffer *buffer = attachment->dmabuf->priv;
	struct heap_attachment *own = attachment->priv;
	int result;

	if (mutant_is(M50))
		dma_resv_lock(attachment->dmabuf->resv, NULL);
	mutex_lock(&buffer->lock);
	result = dma_map_sgtable(own->device, &own->table, direction, 0);
	own->mapped = !result;
	if (mutant_is(M60))
		own->table.nents = 0;
	mutex_unlock(&buffer->lock);
	if (mutant_is(M50))
		dma_resv_unlock(attachment->dmabuf->resv);
	return result ? ERR_PTR(result) : &own->table;
}

void buffer_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
		  enum dma_data_direction direction)
{
	struct heap_buffer *buffer = attachment->dmabuf->priv;
	struct heap_attachment *own = attachment->priv;

	mutex_lock(&buffer->lock);
	own->mapped = false;
	dma_unmap_sgtable(own->device, table, mutant_is(M30) ? DMA_TO_DEVICE : direction, 0);
	mutex_unlock(&buffer->lock);
}

int buffer_begin_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own;

	mutex_lock(&buffer->lock);
	/* Whose fences those might be that are waited for. */
	if (mutant_is(M51)) {
		dma_resv_lock(dmabuf->resv, NULL);
		dma_resv_unlock(dmabuf->resv);
	}
	if (buffer->vaddr)
		invalidate_kernel_vmap_range(buffer->vaddr, buffer_bytes(buffer));
	list_for_each_entry(own, &buffer->attachments, node) if (own->mapped)
		dma_sync_sgtable_for_cpu(own->device, &own->table, direction);
	mutex_unlock(&buffer->lock);
	return mutant_is(M52) ? 1 : 0;
}

int buffer_end_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own;

	mutex_lock(&buffer->lock);
	if (buffer->vaddr)
		flush_kernel_vmap_range(buffer->vaddr, buffer_bytes(buffer));
	list_for_each_entry(own, &buffer->attachments, node) if (own->mapped)
		dma_sync_sgtable_for_device(own->device, &own->table, direction);
	mutex_unlock(&buffer->lock);
	return 0;
}
