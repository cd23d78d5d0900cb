/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Fences of this module's own making, and what a driver asks of anyone's. */
#ifndef FENCEPOST_DEVICE_FENCE_H
#define FENCEPOST_DEVICE_FENCE_H

#include <linux/dma-fence.h>
#include <linux/workqueue.h>

#include "holdings.h"

struct job;

/* A fence as its descriptor knows it. */
struct fence_held {
	struct dma_fence *fence;
	/* What has to be done before it signals; NULL where that is nothing. */
	struct job *job;
};

/* For jobs, and for the end of fences that nobody signals. */
extern struct workqueue_struct *fence_work;
int fences_prepare(void);
void fences_finish(void);

long fence_make(struct holdings *holdings, struct fencepost_fence *wanted);
long fence_add(struct holdings *holdings, const struct fencepost_fence_add *wanted);
long fence_signal(struct holdings *holdings, const struct fencepost_fence_signal *wanted);
long fence_drop(struct holdings *holdings, u32 id);
long fence_export(struct holdings *holdings, struct fencepost_fence_export *wanted);
long fence_state(struct holdings *holdings, struct fencepost_fence_state *wanted);
/* Ends whatever is pending with -ECANCELED. Without the lock: jobs that have begun want it. */
void fences_release(struct holdings *holdings);

/* Signals it, with an error where that is not 0. False when somebody has before. */
bool fence_end(struct dma_fence *fence, int error);

/* job.c: what a device does once it may, and before its fence signals. */
long job_make(struct holdings *holdings, struct fencepost_job *wanted);
/* Does it now, whatever it waits for, unless it was done; what came of it. */
int job_perform(struct job *job);
/* Nothing of it happens from now on. False while it is at work. */
bool job_cancel(struct job *job);
void job_cancel_sync(struct job *job);
void job_free(struct job *job);

#endif
