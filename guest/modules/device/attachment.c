// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Attachments: a device's connexion to a buffer, mapped at most once at a time. */
#include <linux/err.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "holdings.h"
#include "importer.h"

static bool is_direction(u32 direction)
{
	return direction == DMA_BIDIRECTIONAL || direction == DMA_TO_DEVICE ||
	       direction == DMA_FROM_DEVICE;
}

long attachment_make(struct holdings *holdings, struct fencepost_attach *wanted)
{
	struct device_played *device = xa_load(&holdings->devices, wanted->device);
	struct attachment_held *held;
	int result;

	if ((wanted->flags & ~(FENCEPOST_ATTACH_DYNAMIC | FENCEPOST_ATTACH_NO_NOTIFY)) ||
	    wanted->flags == FENCEPOST_ATTACH_NO_NOTIFY)
		return -EINVAL;
	if (!device)
		return -ENOENT;
	held = kzalloc(sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	held->device = device;
	held->dmabuf = dma_buf_get(wanted->fd);
	if (IS_ERR(held->dmabuf)) {
		result = PTR_ERR(held->dmabuf);
		goto free;
	}
	held->attachment = dma_buf_dynamic_attach(held->dmabuf, device->device,
						  dynamic_ops(wanted->flags), held);
	if (IS_ERR(held->attachment)) {
		result = PTR_ERR(held->attachment);
		goto put;
	}
	result = holdings_add(&holdings->attachments, held, FENCEPOST_MAX_ATTACHMENTS,
			      &wanted->attachment);
	if (result)
		goto detach;
	device->attachments++;
	return 0;
detach:
	dma_buf_detach(held->dmabuf, held->attachment);
put:
	dma_buf_put(held->dmabuf);
free:
	kfree(held);
	return result;
}

int attachment_map_held(struct attachment_held *held, enum dma_data_direction direction)
{
	struct sg_table *table;

	if (held->table)
		return -EBUSY;
	table = import_map(held->attachment, direction);
	/* Neither a mapping nor an error: the core does not pass that on. */
	if (!table)
		return -ENODATA;
	if (IS_ERR(table))
		return PTR_ERR(table);
	held->table = table;
	held->direction = direction;
	held->last_address = sg_dma_address(table->sgl);
	held->last_bytes = sg_dma_len(table->sgl);
	return 0;
}

long attachment_map(struct holdings *holdings, const struct fencepost_map *wanted)
{
	struct attachment_held *held = xa_load(&holdings->attachments, wanted->attachment);

	if (!is_direction(wanted->direction))
		return -EINVAL;
	return held ? attachment_map_held(held, wanted->direction) : -ENOENT;
}

void attachment_unmap_held(struct attachment_held *held)
{
	import_unmap(held->attachment, held->table, held->direction);
	held->table = NULL;
}

long attachment_unmap(struct holdings *holdings, u32 id)
{
	struct attachment_held *held = xa_load(&holdings->attachments, id);

	if (!held)
		return -ENOENT;
	if (!held->table)
		return -EINVAL;
	attachment_unmap_held(held);
	return 0;
}

static void detach(struct attachment_held *held)
{
	if (held->table)
		attachment_unmap_held(held);
	while (held->pins)
		attachment_unpin_once(held);
	dma_buf_detach(held->dmabuf, held->attachment);
	dma_buf_put(held->dmabuf);
	held->device->attachments--;
	kfree(held);
}

long attachment_detach(struct holdings *holdings, u32 id)
{
	struct attachment_held *held = xa_load(&holdings->attachments, id);

	if (!held)
		return -ENOENT;
	if (held->table || held->pins)
		return -EBUSY;
	xa_erase(&holdings->attachments, id);
	detach(held);
	return 0;
}

void attachments_release(struct holdings *holdings)
{
	struct attachment_held *held;
	unsigned long id;

	xa_for_each(&holdings->attachments, id, held) detach(held);
}

/* Only what is meant for the device: a list may have fewer such pieces than pages' ones. */
long attachment_segments(struct holdings *holdings, struct fencepost_segments *wanted)
{
	struct attachment_held *held = xa_load(&holdings->attachments, wanted->attachment);
	struct fencepost_segment __user *to = u64_to_user_ptr(wanted->data);
	struct scatterlist *piece;
	u64 bytes = 0;
	u32 count = 0;
	int i;

	if (!held)
		return -ENOENT;
	if (!held->table)
		return -EINVAL;
	for_each_sgtable_dma_sg(held->table, piece, i)
	{
		const struct fencepost_segment segment = {sg_dma_address(piece), sg_dma_len(piece)};

		if (count < wanted->count && copy_to_user(to + count, &segment, sizeof(segment)))
			return -EFAULT;
		count++;
		bytes += segment.length;
	}
	wanted->count = count;
	wanted->bytes = bytes;
	return 0;
}
