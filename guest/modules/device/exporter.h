/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Buffers of the module's own, whose exporter records what the DMA-BUF core asks of it. */
#ifndef FENCEPOST_MODULES_EXPORTER_H
#define FENCEPOST_MODULES_EXPORTER_H

#include <linux/dma-buf.h>
#include <linux/kref.h>
#include <linux/spinlock.h>

#include "fencepost_exporter.h"

/* Outlives its dma-buf, so that the last call, release, can be looked at, too. */
struct exported {
	struct kref references;
	/* Each has its own: what the exporter cannot do is not there. */
	struct dma_buf_ops ops;
	size_t page_count;
	struct page **pages;
	/* Of the one vmap that the core asks for at a time. */
	void *vaddr;
	/* Guards all that follows. */
	spinlock_t lock;
	u32 last;
	struct fencepost_call calls[FENCEPOST_CALLS];
	struct {
		u32 error;
		u32 times;
	} refusals[FENCEPOST_CALLS];
};

/*
 * A new dma-buf of `size` bytes, whole pages; `flags` as of struct fencepost_export. With
 * `exported`, a reference to what it records, which is the caller's to put. Or an error pointer.
 */
struct dma_buf *exported_make(size_t size, u32 flags, u32 fd_flags, struct exported **exported);
void exported_put(struct exported *exported);
/* What was recorded for a dma-buf; NULL when another exporter made it. */
struct exported *exported_of(struct dma_buf *dmabuf);

#endif
