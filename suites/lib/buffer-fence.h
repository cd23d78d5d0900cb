/* SPDX-License-Identifier: MIT */
/*
 * buffer-fence.h - the ioctls of a dma-buf that know of fences (include/uapi/linux/dma-buf.h). As
 * thin as system calls: -1 with errno on failure, and what the kernel returned otherwise.
 */
#ifndef FENCEPOST_BUFFER_FENCE_H
#define FENCEPOST_BUFFER_FENCE_H

#include <linux/dma-buf.h>
#include <stdint.h>

/* DMA_BUF_IOCTL_SYNC with these flags (DMA_BUF_SYNC_START and so on). */
int buffer_sync(int buffer, uint64_t flags);

/* A call for waiter_start() (waiter.h): buffer_sync() with what `access` points to. */
struct buffer_access {
	int buffer;
	uint64_t flags;
};
long buffer_sync_call(void *access);

/* DMA_BUF_IOCTL_IMPORT_SYNC_FILE, since 6.1: `flags` is DMA_BUF_SYNC_READ, _WRITE or both. */
int buffer_import_fence(int buffer, int fence, uint32_t flags);
/*
 * DMA_BUF_IOCTL_EXPORT_SYNC_FILE, since 6.1: a new sync_file's descriptor. DMA_BUF_SYNC_READ asks
 * for what a reader has to wait for, _WRITE or both for what a writer has to.
 */
int buffer_export_fence(int buffer, uint32_t flags);

#endif
