// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* What a program or the kernel does with a buffer between begin and end, and devices must know. */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>

#include "attachment.h"

enum access_side { FOR_CPU, FOR_DEVICE };

/* M26: also what devices have not mapped. */
static bool is_synced(const struct heap_attachment *own)
{
	return own->mapped || mutant_is(M26);
}

static void sync_device(const struct heap_attachment *own, enum dma_data_direction direction,
			enum access_side side)
{
	/* M25: what a buffer of one piece needs. */
	const unsigned int pieces = mutant_is(M25) ? 1 : own->table->orig_nents;

	/* M23: a program's access is what the device gets to see. */
	if (mutant_is(M23))
		direction = DMA_TO_DEVICE;
	/* M22: whose turn it is now, or whose it was. */
	if ((side == FOR_CPU) != mutant_is(M22))
		dma_sync_sg_for_cpu(own->device, own->table->sgl, pieces, direction);
	else
		dma_sync_sg_for_device(own->device, own->table->sgl, pieces, direction);
}

static void sync_devices(struct heap_buffer *buffer, enum dma_data_direction direction,
			 enum access_side side)
{
	struct heap_attachment *own;

	list_for_each_entry(own, &buffer->attachments, node)
	{
		if (!is_synced(own))
			continue;
		sync_device(own, direction, side);
		if (mutant_is(M27) && side == FOR_DEVICE)
			own->mapped = false;
		if (mutant_is(M24))
			break;
	}
}

int buffer_begin_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;

	if (mutant_is(M20))
		return 0;
	lock_list(buffer);
	/* Whose fences those might be that are waited for. */
	if (mutant_is(M51)) {
		dma_resv_lock(dmabuf->resv, NULL);
		dma_resv_unlock(dmabuf->resv);
	}
	if (buffer->vaddr)
		invalidate_kernel_vmap_range(buffer->vaddr, buffer_bytes(buffer));
	sync_devices(buffer, direction, FOR_CPU);
	unlock_list(buffer);
	return mutant_is(M52) ? 1 : 0;
}

int buffer_end_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;

	if (mutant_is(M21))
		return 0;
	lock_list(buffer);
	if (buffer->vaddr)
		flush_kernel_vmap_range(buffer->vaddr, buffer_bytes(buffer));
	sync_devices(buffer, direction, FOR_DEVICE);
	unlock_list(buffer);
	return 0;
}
