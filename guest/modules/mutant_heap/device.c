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

static void lock_list(struct heap_buffer *buffer)
{
	if (!mutant_is(M35))
		mutex_lock(&buffer->lock);
}

static void unlock_list(struct heap_buffer *buffer)
{
	if (!mutant_is(M35))
		mutex_unlock(&buffer->lock);
}

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
	lock_list(buffer);
	list_add(&own->node, &buffer->attachments);
	unlock_list(buffer);
	return 0;
}

void buffer_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own = attachment->priv;

	lock_list(buffer);
	if (!mutant_is(M34))
		list_del(&own->node);
	unlock_list(buffer);
	sg_free_table(&own->table);
	kfree(own);
}

/* M28: drivers often ask for both, so why not always. */
static enum dma_data_direction mapped_for(enum dma_data_direction direction)
{
	return mutant_is(M28) ? DMA_BIDIRECTIONAL : direction;
}

/* M63: memory has addresses already. */
static int map_table(struct heap_attachment *own, enum dma_data_direction direction)
{
	struct scatterlist *piece;
	int i;

	if (!mutant_is(M63))
		return dma_map_sgtable(own->device, &own->table, mapped_for(direction), 0);
	for_each_sgtable_sg(&own->table, piece, i)
	{
		sg_dma_address(piece) = sg_phys(piece);
		sg_dma_len(piece) = piece->length;
	}
	own->table.nents = own->table.orig_nents;
	return 0;
}

static void unmap_table(struct heap_attachment *own, struct sg_table *table,
			enum dma_data_direction direction)
{
	if (!mutant_is(M31) && !mutant_is(M63))
		dma_unmap_sgtable(own->device, table,
				  mutant_is(M30) ? DMA_TO_DEVICE : mapped_for(direction), 0);
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
	result = map_table(own, direction);
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
	unmap_table(own, table, direction);
	mutex_unlock(&buffer->lock);
}

/* M26: also what devices have not mapped. */
static bool is_synced(const struct heap_attachment *own)
{
	return own->mapped || mutant_is(M26);
}

int buffer_begin_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own;

	lock_list(buffer);
	/* Whose fences those might be that are waited for. */
	if (mutant_is(M51)) {
		dma_resv_lock(dmabuf->resv, NULL);
		dma_resv_unlock(dmabuf->resv);
	}
	if (buffer->vaddr)
		invalidate_kernel_vmap_range(buffer->vaddr, buffer_bytes(buffer));
	list_for_each_entry(own, &buffer->attachments, node) if (is_synced(own))
		dma_sync_sgtable_for_cpu(own->device, &own->table, direction);
	unlock_list(buffer);
	return mutant_is(M52) ? 1 : 0;
}

int buffer_end_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own;

	lock_list(buffer);
	if (buffer->vaddr)
		flush_kernel_vmap_range(buffer->vaddr, buffer_bytes(buffer));
	list_for_each_entry(own, &buffer->attachments, node) if (is_synced(own))
		dma_sync_sgtable_for_device(own->device, &own->table, direction);
	unlock_list(buffer);
	return 0;
}
