// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Jobs: what a device does by itself, as a GPU, a display or an encoder would. It waits for fences,
 * moves bytes from one of its mappings to another through its own addresses, and signals its fence.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "fence.h"
#include "importer.h"

struct dependency {
	struct dma_fence_cb callback;
	struct dma_fence *fence;
	struct job *job;
};

struct job {
	struct holdings *holdings;
	struct fence_held *held;
	struct fencepost_job what;
	/* Fences that are pending still, and one for as long as they are being gathered. */
	atomic_t awaited;
	struct dependency *dependencies;
	unsigned int count;
	struct delayed_work work;
	/* Whether the work was queued, and has looked at this for the last time. */
	bool queued, left;
	/* By the lock of the descriptor. */
	bool done;
};

static int place_of(const struct attachment_held *held, u64 offset, size_t most, void **memory,
		    size_t *bytes)
{
	struct device *device = held->device->device;
	struct scatterlist *piece;
	int i;

	/* A bus master moves bytes by itself, from and to its own memory alone. */
	if (held->device->master)
		return -EOPNOTSUPP;
	for_each_sgtable_dma_sg(held->table, piece, i)
	{
		const u64 length = sg_dma_len(piece);
		dma_addr_t address;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		address = sg_dma_address(piece) + offset;
		*bytes = min_t(u64, min_t(u64, most, length - offset),
			       PAGE_SIZE - offset_in_page(address));
		return device_reach(device, address, *bytes, memory);
	}
	return -EREMOTEIO;
}

static int move(const struct fencepost_job *what, const struct attachment_held *from,
		const struct attachment_held *to)
{
	u64 done = 0;

	mb();
	while (done < what->length) {
		size_t readable, writable = 0, i;
		void *source, *target;
		int result = place_of(from, what->from_offset + done, what->length - done, &source,
				      &readable);

		if (!result)
			result = place_of(to, what->to_offset + done, readable, &target, &writable);
		if (result)
			return result;
		for (i = 0; i < writable; i++)
			((u8 *)target)[i] = ((const u8 *)source)[i] ^ what->change;
		done += writable;
		cond_resched();
	}
	mb();
	return 0;
}

static bool has_range(const struct attachment_held *held, u64 offset, u64 length)
{
	return length <= held->dmabuf->size && offset <= held->dmabuf->size - length;
}

/* As a driver does that maps its buffers for as long as a job needs them. */
static int move_mapped(struct job *job, struct attachment_held *from, struct attachment_held *to)
{
	int result = from == to ? -EINVAL : attachment_map_held(from, DMA_TO_DEVICE);

	if (result)
		return result;
	result = attachment_map_held(to, DMA_BIDIRECTIONAL);
	if (!result) {
		result = move(&job->what, from, to);
		attachment_unmap_held(to);
	}
	attachment_unmap_held(from);
	return result;
}

/* By their numbers each time: neither has to wait for the job when it is to go. */
int job_perform(struct job *job)
{
	struct attachment_held *from = xa_load(&job->holdings->attachments, job->what.from);
	struct attachment_held *to = xa_load(&job->holdings->attachments, job->what.to);

	if (job->done)
		return 0;
	job->done = true;
	if (!from || !to)
		return -ENOENT;
	if (!has_range(from, job->what.from_offset, job->what.length) ||
	    !has_range(to, job->what.to_offset, job->what.length))
		return -EINVAL;
	if (job->what.flags & FENCEPOST_JOB_MAPS)
		return move_mapped(job, from, to);
	return from->table && to->table ? move(&job->what, from, to) : -EINVAL;
}

static void work(struct work_struct *work)
{
	struct job *job = container_of(to_delayed_work(work), struct job, work);
	struct holdings *holdings = job->holdings;

	mutex_lock(&holdings->lock);
	if (!job->done && !dma_fence_is_signaled(job->held->fence))
		fence_end(job->held->fence, job_perform(job));
	job->left = true;
	mutex_unlock(&holdings->lock);
}

static void one_less(struct job *job)
{
	if (!atomic_dec_and_test(&job->awaited))
		return;
	job->queued = true;
	queue_delayed_work(fence_work, &job->work, msecs_to_jiffies(job->what.delay_ms));
}

static void dependency_signalled(struct dma_fence *fence, struct dma_fence_cb *callback)
{
	one_less(container_of(callback, struct dependency, callback)->job);
}

/* Takes over the reference. */
static void depend(struct job *job, struct dma_fence *fence)
{
	struct dependency *dependency = &job->dependencies[job->count++];

	dependency->fence = fence;
	dependency->job = job;
	atomic_inc(&job->awaited);
	if (dma_fence_add_callback(fence, &dependency->callback, dependency_signalled))
		atomic_dec(&job->awaited);
}

/* What the buffer's fences say must be waited for, and then the job's own among them. */
static int depend_on_buffer(struct job *job, struct dma_buf *dmabuf, bool write)
{
	struct dma_fence **fences;
	unsigned int count, i;
	int result = dma_resv_lock_interruptible(dmabuf->resv, NULL);

	if (result)
		return result;
	result = import_fences(dmabuf->resv, write, &count, &fences);
	if (result)
		goto unlock;
	for (i = 0; i < count; i++) {
		if (fences[i] != job->held->fence && job->count < FENCEPOST_MAX_DEPENDENCIES) {
			depend(job, fences[i]);
			continue;
		}
		/* Where both mappings are of one buffer its own fence is there already. */
		if (fences[i] != job->held->fence)
			result = -ENOSPC;
		dma_fence_put(fences[i]);
	}
	kfree(fences);
	if (!result)
		result = import_add_fence(dmabuf->resv, job->held->fence,
					  write ? FENCEPOST_WRITE : FENCEPOST_READ);
unlock:
	dma_resv_unlock(dmabuf->resv);
	return result;
}

static int depend_on_file(struct job *job, int fd)
{
	struct dma_fence *fence;

	if (fd < 0)
		return 0;
	if (!IS_ENABLED(CONFIG_SYNC_FILE))
		return -EOPNOTSUPP;
	fence = sync_file_get_fence(fd);
	if (!fence)
		return -EBADF;
	depend(job, fence);
	return 0;
}

static bool is_job(const struct fencepost_job *wanted)
{
	return !wanted->pad && !(wanted->flags & ~(FENCEPOST_JOB_IMPLICIT | FENCEPOST_JOB_MAPS)) &&
	       wanted->length <= FENCEPOST_MAX_JOB && wanted->delay_ms <= FENCEPOST_MAX_DELAY_MS &&
	       wanted->change <= 0xff && wanted->wait >= -1;
}

static int gather(struct job *job, const struct attachment_held *from,
		  const struct attachment_held *to)
{
	int result;

	if (!(job->what.flags & FENCEPOST_JOB_IMPLICIT))
		return 0;
	result = depend_on_buffer(job, from->dmabuf, false);
	if (!result)
		result = depend_on_buffer(job, to->dmabuf, true);
	/* A fence may be among the first one's already: not to be tried again. */
	if (result)
		fence_end(job->held->fence, result == -ERESTARTSYS ? -EINTR : result);
	return result == -ERESTARTSYS ? -EINTR : result;
}

static struct job *make(struct holdings *holdings, struct fence_held *held,
			const struct fencepost_job *wanted)
{
	struct job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return NULL;
	job->dependencies =
		kcalloc(FENCEPOST_MAX_DEPENDENCIES, sizeof(*job->dependencies), GFP_KERNEL);
	if (!job->dependencies) {
		kfree(job);
		return NULL;
	}
	job->holdings = holdings;
	job->held = held;
	job->what = *wanted;
	INIT_DELAYED_WORK(&job->work, work);
	atomic_set(&job->awaited, 1);
	return job;
}

long job_make(struct holdings *holdings, struct fencepost_job *wanted)
{
	struct fence_held *held = xa_load(&holdings->fences, wanted->fence);
	struct attachment_held *from = xa_load(&holdings->attachments, wanted->from);
	struct attachment_held *to = xa_load(&holdings->attachments, wanted->to);
	struct job *job;
	int result;

	if (!is_job(wanted))
		return -EINVAL;
	if (!held || !from || !to)
		return -ENOENT;
	if (held->job)
		return -EBUSY;
	if (dma_fence_is_signaled(held->fence))
		return -EALREADY;
	job = make(holdings, held, wanted);
	if (!job)
		return -ENOMEM;
	result = depend_on_file(job, wanted->wait);
	if (!result)
		result = gather(job, from, to);
	if (result) {
		/* It has not begun: one that it waits for is missing still. */
		job_cancel(job);
		job_free(job);
		return result;
	}
	held->job = job;
	one_less(job);
	return 0;
}

static void forget_dependencies(struct job *job)
{
	while (job->count) {
		struct dependency *dependency = &job->dependencies[--job->count];

		dma_fence_remove_callback(dependency->fence, &dependency->callback);
		dma_fence_put(dependency->fence);
	}
}

/* With the lock, which work that has begun may be waiting for. */
bool job_cancel(struct job *job)
{
	forget_dependencies(job);
	return !job->queued || job->left || cancel_delayed_work(&job->work);
}

void job_cancel_sync(struct job *job)
{
	forget_dependencies(job);
	cancel_delayed_work_sync(&job->work);
}

void job_free(struct job *job)
{
	kfree(job->dependencies);
	kfree(job);
}
