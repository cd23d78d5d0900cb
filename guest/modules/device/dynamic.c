// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Dynamic importers, which live with buffers that move; and what only a look behind the core shows.
 */
#include <linux/delay.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>

#include "holdings.h"
#include "importer.h"

static void told(struct dma_buf_attachment *attachment)
{
	struct attachment_held *held = attachment->importer_priv;

	atomic_inc(&held->told);
	if (dma_resv_is_locked(attachment->dmabuf->resv))
		atomic_inc(&held->told_locked);
}

static const struct dma_buf_attach_ops dynamic = {
	.import_notify_op = told,
};

static const struct dma_buf_attach_ops dynamic_without = {};

const struct dma_buf_attach_ops *dynamic_ops(u32 flags)
{
	if (!(flags & FENCEPOST_ATTACH_DYNAMIC))
		return NULL;
	return flags & FENCEPOST_ATTACH_NO_NOTIFY ? &dynamic_without : &dynamic;
}

long attachment_notified(struct holdings *holdings, struct fencepost_notified *wanted)
{
	struct attachment_held *held = xa_load(&holdings->attachments, wanted->attachment);

	if (wanted->pad)
		return -EINVAL;
	if (!held)
		return -ENOENT;
	wanted->count = atomic_read(&held->told);
	wanted->locked = atomic_read(&held->told_locked);
	return 0;
}

/* Only a dynamic importer may. */
long attachment_pin(struct holdings *holdings, u32 id)
{
	struct attachment_held *held = xa_load(&holdings->attachments, id);
	int result;

	if (!held)
		return -ENOENT;
	if (!held->attachment->importer_ops)
		return -EINVAL;
	if (held->pins == FENCEPOST_MAX_PINS)
		return -ENOSPC;
	result = dma_resv_lock_interruptible(held->dmabuf->resv, NULL);
	if (result)
		return result;
	result = dma_buf_pin(held->attachment);
	dma_resv_unlock(held->dmabuf->resv);
	if (!result)
		held->pins++;
	return result;
}

void attachment_unpin_once(struct attachment_held *held)
{
	dma_resv_lock(held->dmabuf->resv, NULL);
	dma_buf_unpin(held->attachment);
	dma_resv_unlock(held->dmabuf->resv);
	held->pins--;
}

long attachment_unpin(struct holdings *holdings, u32 id)
{
	struct attachment_held *held = xa_load(&holdings->attachments, id);

	if (!held)
		return -ENOENT;
	if (!held->pins)
		return -EINVAL;
	attachment_unpin_once(held);
	return 0;
}

/* Is this the page that lies behind the piece's address? Its link is compared, and not followed. */
static bool shows_page(struct device *device, const struct scatterlist *piece)
{
	const unsigned long pfn = PHYS_PFN(dma_to_phys(device, sg_dma_address(piece)));

	return pfn_valid(pfn) &&
	       (piece->page_link & ~(SG_CHAIN | SG_END)) == (unsigned long)pfn_to_page(pfn);
}

long attachment_table(struct holdings *holdings, struct fencepost_table *wanted)
{
	struct attachment_held *held = xa_load(&holdings->attachments, wanted->attachment);
	struct scatterlist *piece;
	int i;

	if (!held)
		return -ENOENT;
	if (!held->table)
		return -EINVAL;
	wanted->entries = 0;
	wanted->pages = 0;
	wanted->lengths = 0;
	for_each_sgtable_dma_sg(held->table, piece, i)
	{
		wanted->entries++;
		wanted->pages += shows_page(held->device->device, piece);
		wanted->lengths += piece->length != 0;
	}
	return 0;
}

long attachment_locked(struct holdings *holdings, const struct fencepost_locked *wanted)
{
	struct attachment_held *held = xa_load(&holdings->attachments, wanted->attachment);
	struct dma_resv *lock;
	int result;

	if (wanted->wait_ms > FENCEPOST_MAX_WAIT_MS)
		return -EINVAL;
	if (!held)
		return -ENOENT;
	if (held->table)
		return -EBUSY;
	if (!IMPORTERS_LOCK)
		return -EOPNOTSUPP;
	lock = held->dmabuf->resv;
	result = dma_resv_lock_interruptible(lock, NULL);
	if (result)
		return result;
	if (wanted->wait_ms)
		msleep_interruptible(wanted->wait_ms);
	result = import_all_locked(held->attachment);
	dma_resv_unlock(lock);
	return result;
}
