// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Devices that come to a buffer, have it mapped, and go. */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "attachment.h"
#include "compat.h"

/* M32: the first device's list is good for all of them. */
static int choose_table(struct heap_attachment *own, struct heap_buffer *buffer)
{
	own->table = mutant_is(M32) ? &buffer->common_table : &own->own_table;
	return own->table->sgl ? 0 : table_make(own->table, buffer, own->device);
}

int buffer_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *own;
	int result;

	own = kzalloc(sizeof(*own), GFP_KERNEL);
	if (!own)
		return -ENOMEM;
	own->device = attachment->dev;
	result = choose_table(own, buffer);
	if (result) {
		kfree(own);
		return result;
	}
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
	if (!mutant_is(M33))
		sg_free_table(&own->own_table);
	kfree(own);
}

/* M28: drivers often ask for both, so why not always. */
static enum dma_data_direction mapped_for(enum dma_data_direction direction)
{
	return mutant_is(M28) ? DMA_BIDIRECTIONAL : direction;
}

/* M29: who accesses a buffer says so. */
static unsigned long mapped_how(void)
{
	return mutant_is(M29) ? DMA_ATTR_SKIP_CPU_SYNC : 0;
}

/* M63: memory has addresses already. */
static int map_table(struct heap_attachment *own, enum dma_data_direction direction)
{
	struct scatterlist *piece;
	int i;

	if (!mutant_is(M63))
		return dma_map_sgtable(own->device, own->table, mapped_for(direction),
				       mapped_how());
	for_each_sgtable_sg(own->table, piece, i)
	{
		sg_dma_address(piece) = sg_phys(piece);
		sg_dma_len(piece) = piece->length;
	}
	own->table->nents = own->table->orig_nents;
	return 0;
}

static void unmap_table(struct heap_attachment *own, struct sg_table *table,
			enum dma_data_direction direction)
{
	if (!mutant_is(M31) && !mutant_is(M63))
		dma_unmap_sgtable(own->device, table,
				  mutant_is(M30) ? DMA_TO_DEVICE : mapped_for(direction),
				  mapped_how());
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
		own->table->nents = 0;
	mutex_unlock(&buffer->lock);
	if (mutant_is(M50))
		dma_resv_unlock(attachment->dmabuf->resv);
	return result ? ERR_PTR(result) : own->table;
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
