/* SPDX-License-Identifier: MIT */
/* udmabuf-node.h - /dev/udmabuf: its ioctls, as thin as system calls, and the limits it has. */
#ifndef FENCEPOST_UDMABUF_NODE_H
#define FENCEPOST_UDMABUF_NODE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/udmabuf.h>

/* Opens the device; the case fails when it cannot be opened. */
int udmabuf_open(void);

/* UDMABUF_CREATE: the new dma-buf's descriptor, or -1 with errno. */
int udmabuf_create(int device, int memfd, uint64_t offset, uint64_t size, uint32_t flags);

/* UDMABUF_CREATE_LIST of `count` items (a page of them at most unless `items` is that many). */
int udmabuf_create_list(int device, const struct udmabuf_create_item *items, uint32_t count,
			uint32_t flags);

/* A buffer of the first `bytes` of a memfd, close-on-exec; the case fails when there is none. */
int udmabuf_of(int memfd, size_t bytes);

/*
 * The limits: bytes of one buffer and items of one list. They are module parameters; kernels that
 * do not have these (5.10) have them as constants, 64 MiB and 1024.
 */
uint64_t udmabuf_size_limit_bytes(void);
uint32_t udmabuf_list_limit(void);

#endif
