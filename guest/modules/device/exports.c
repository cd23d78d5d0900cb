// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* What a descriptor of the node asks of the module's own buffers. */
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>

#include "compat.h"
#include "exporter.h"
#include "holdings.h"
#include "importer.h"

long export_make(struct holdings *holdings, struct fencepost_export *wanted)
{
	struct exported *exported;
	struct dma_buf *dmabuf;
	int result;

	if (wanted->pad || wanted->size > FENCEPOST_MAX_EXPORTED)
		return -EINVAL;
	dmabuf = exported_make(wanted->size, wanted->flags, O_RDWR, &exported);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	result = holdings_add(&holdings->exports, exported, FENCEPOST_MAX_EXPORTS, &wanted->export);
	if (result)
		goto put;
	wanted->fd = heap_install(dmabuf, O_CLOEXEC);
	if (wanted->fd >= 0)
		return 0;
	/* heap_install() has put the dma-buf. */
	xa_erase(&holdings->exports, wanted->export);
	exported_put(exported);
	return wanted->fd;
put:
	dma_buf_put(dmabuf);
	exported_put(exported);
	return result;
}

long export_calls(struct holdings *holdings, struct fencepost_calls *wanted)
{
	struct exported *exported = xa_load(&holdings->exports, wanted->export);

	if (wanted->pad)
		return -EINVAL;
	if (!exported)
		return -ENOENT;
	spin_lock(&exported->lock);
	memcpy(wanted->of, exported->calls, sizeof(wanted->of));
	spin_unlock(&exported->lock);
	return 0;
}

static bool can_be_refused(u32 call, u32 error)
{
	switch (call) {
	case FENCEPOST_CALL_MAP:
		return true;
	case FENCEPOST_CALL_ATTACH:
	case FENCEPOST_CALL_PIN:
	case FENCEPOST_CALL_BEGIN:
	case FENCEPOST_CALL_END:
	case FENCEPOST_CALL_MMAP:
	case FENCEPOST_CALL_VMAP:
		return error != FENCEPOST_FAIL_NULL;
	default:
		return false;
	}
}

long export_fail(struct holdings *holdings, const struct fencepost_fail *wanted)
{
	struct exported *exported = xa_load(&holdings->exports, wanted->export);

	if (wanted->error > MAX_ERRNO || !can_be_refused(wanted->call, wanted->error))
		return -EINVAL;
	if (!exported)
		return -ENOENT;
	spin_lock(&exported->lock);
	exported->refusals[wanted->call].error = wanted->error;
	exported->refusals[wanted->call].times = wanted->times;
	spin_unlock(&exported->lock);
	return 0;
}

/* Those of this descriptor: others' could be detached meanwhile, for want of the lock. */
static void tell_unlocked(struct holdings *holdings, struct dma_buf *dmabuf)
{
	struct attachment_held *held;
	unsigned long id;

	xa_for_each(&holdings->attachments, id, held)
	{
		struct dma_buf_attachment *attachment = held->attachment;

		if (held->dmabuf == dmabuf && attachment->importer_ops &&
		    attachment->importer_ops->import_notify_op)
			attachment->importer_ops->import_notify_op(attachment);
	}
}

/* The list begins with what was added last. */
static void tell_less_last(struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attachment;

	list_for_each_entry(attachment, &dmabuf->attachments,
			    node) if (!list_is_first(&attachment->node, &dmabuf->attachments) &&
				      attachment->importer_ops &&
				      attachment->importer_ops->import_notify_op)
		attachment->importer_ops->import_notify_op(attachment);
}

static int tell(struct holdings *holdings, struct dma_buf *dmabuf, u32 flags)
{
	int result;

	if (flags & FENCEPOST_MOVE_UNLOCKED) {
		tell_unlocked(holdings, dmabuf);
		return 0;
	}
	result = dma_resv_lock_interruptible(dmabuf->resv, NULL);
	if (result)
		return result;
	if (flags & FENCEPOST_MOVE_LESS_LAST)
		tell_less_last(dmabuf);
	else
		export_tell_move(dmabuf);
	dma_resv_unlock(dmabuf->resv);
	return 0;
}

long export_move(struct holdings *holdings, const struct fencepost_move *wanted)
{
	const u32 both = FENCEPOST_MOVE_UNLOCKED | FENCEPOST_MOVE_LESS_LAST;
	struct dma_buf *dmabuf;
	long result = -EINVAL;

	if ((wanted->flags & ~both) || (wanted->flags & both) == both)
		return -EINVAL;
	dmabuf = dma_buf_get(wanted->fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (exported_of(dmabuf))
		result = tell(holdings, dmabuf, wanted->flags);
	dma_buf_put(dmabuf);
	return result;
}

void exports_release(struct holdings *holdings)
{
	struct exported *exported;
	unsigned long id;

	xa_for_each(&holdings->exports, id, exported) exported_put(exported);
}
