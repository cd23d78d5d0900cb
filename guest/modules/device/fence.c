// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Fences that a driver makes: pending until they are signalled by request, by a job that is done,
 * by the end of their descriptor, or at the latest by the end of their time. So nobody waits for
 * ever.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sync_file.h>

#include "fence.h"
#include "importer.h"

struct workqueue_struct *fence_work;

struct fence_made {
	struct dma_fence base;
	spinlock_t lock;
	/* Has a reference for as long as it is queued. */
	struct delayed_work overdue;
};

static struct fence_made *made_of(struct dma_fence *fence)
{
	return container_of(fence, struct fence_made, base);
}

static const char *driver_name(struct dma_fence *fence)
{
	return "fencepost";
}

static const char *timeline_name(struct dma_fence *fence)
{
	return "device";
}

/* Whoever has a fence may call these, so the module stays until the last is gone. */
static void release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = driver_name,
	.get_timeline_name = timeline_name,
	.release = release,
};

bool fence_end(struct dma_fence *fence, int error)
{
	struct fence_made *made = made_of(fence);
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&made->lock, flags);
	first = !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
	if (first) {
		if (error)
			dma_fence_set_error(fence, error);
		dma_fence_signal_locked(fence);
	}
	spin_unlock_irqrestore(&made->lock, flags);
	if (first && cancel_delayed_work(&made->overdue))
		dma_fence_put(fence);
	return first;
}

static void end_overdue(struct work_struct *work)
{
	struct fence_made *made = container_of(to_delayed_work(work), struct fence_made, overdue);

	fence_end(&made->base, -ETIMEDOUT);
	dma_fence_put(&made->base);
}

static struct dma_fence *make(void)
{
	struct fence_made *made = kzalloc(sizeof(*made), GFP_KERNEL);

	if (!made)
		return NULL;
	__module_get(THIS_MODULE);
	spin_lock_init(&made->lock);
	INIT_DELAYED_WORK(&made->overdue, end_overdue);
	/* Each is the first, and only, of a context: none replaces another. */
	dma_fence_init(&made->base, &fence_ops, &made->lock, dma_fence_context_alloc(1), 1);
	dma_fence_get(&made->base);
	queue_delayed_work(fence_work, &made->overdue, msecs_to_jiffies(FENCEPOST_FENCE_LIFE_MS));
	return &made->base;
}

long fence_make(struct holdings *holdings, struct fencepost_fence *wanted)
{
	struct fence_held *held;
	int result;

	if (wanted->flags)
		return -EINVAL;
	held = kzalloc(sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	held->fence = make();
	result = held->fence ? holdings_add(&holdings->fences, held, FENCEPOST_MAX_FENCES,
					    &wanted->fence)
			     : -ENOMEM;
	if (!result)
		return 0;
	if (held->fence) {
		fence_end(held->fence, -ECANCELED);
		dma_fence_put(held->fence);
	}
	kfree(held);
	return result;
}

long fence_add(struct holdings *holdings, const struct fencepost_fence_add *wanted)
{
	struct fence_held *held = xa_load(&holdings->fences, wanted->fence);
	struct buffer_held *buffer = xa_load(&holdings->buffers, wanted->buffer);
	struct dma_resv *fences;
	int result;

	if (wanted->pad || wanted->usage > FENCEPOST_BOOKKEEP)
		return -EINVAL;
	if (!held || !buffer)
		return -ENOENT;
	fences = buffer->dmabuf->resv;
	result = dma_resv_lock_interruptible(fences, NULL);
	if (result)
		return result;
	result = import_add_fence(fences, held->fence, wanted->usage);
	dma_resv_unlock(fences);
	return result;
}

long fence_signal(struct holdings *holdings, const struct fencepost_fence_signal *wanted)
{
	struct fence_held *held = xa_load(&holdings->fences, wanted->fence);
	int error = -(int)wanted->error;

	if (wanted->error > MAX_ERRNO)
		return -EINVAL;
	if (!held)
		return -ENOENT;
	if (dma_fence_is_signaled(held->fence))
		return -EALREADY;
	if (held->job && !error)
		error = job_perform(held->job);
	return fence_end(held->fence, error) ? 0 : -EALREADY;
}

/* References that others have to the fence stay what they are. */
static void let_go(struct fence_held *held)
{
	if (held->job)
		job_free(held->job);
	dma_fence_put(held->fence);
	kfree(held);
}

long fence_drop(struct holdings *holdings, u32 id)
{
	struct fence_held *held = xa_load(&holdings->fences, id);

	if (!held)
		return -ENOENT;
	if (!dma_fence_is_signaled(held->fence) || (held->job && !job_cancel(held->job)))
		return -EBUSY;
	xa_erase(&holdings->fences, id);
	let_go(held);
	return 0;
}

long fence_export(struct holdings *holdings, struct fencepost_fence_export *wanted)
{
	struct fence_held *held = xa_load(&holdings->fences, wanted->fence);
	struct sync_file *file;
	int fd;

	if (!held)
		return -ENOENT;
	if (!IS_ENABLED(CONFIG_SYNC_FILE))
		return -EOPNOTSUPP;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = sync_file_create(held->fence);
	if (!file) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	fd_install(fd, file->file);
	wanted->fd = fd;
	return 0;
}

long fence_state(struct holdings *holdings, struct fencepost_fence_state *wanted)
{
	struct fence_held *held = xa_load(&holdings->fences, wanted->fence);

	if (!held)
		return -ENOENT;
	wanted->status = dma_fence_get_status(held->fence);
	return 0;
}

void fences_release(struct holdings *holdings)
{
	struct fence_held *held;
	unsigned long id;

	/* Before any fence ends: a job must not take that for what it was waiting for. */
	xa_for_each(&holdings->fences, id, held) if (held->job) job_cancel_sync(held->job);
	xa_for_each(&holdings->fences, id, held)
	{
		fence_end(held->fence, -ECANCELED);
		let_go(held);
	}
	/* One that was dropped may be on its way out of the lock still. */
	flush_workqueue(fence_work);
}

int fences_prepare(void)
{
	fence_work = alloc_workqueue("fencepost", WQ_UNBOUND, 0);
	return fence_work ? 0 : -ENOMEM;
}

void fences_finish(void)
{
	destroy_workqueue(fence_work);
}
