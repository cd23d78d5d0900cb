/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a descriptor of the node has made. All of it is looked at and changed under its lock. */
#ifndef FENCEPOST_DEVICE_HOLDINGS_H
#define FENCEPOST_DEVICE_HOLDINGS_H

#include <linux/dma-buf.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/xarray.h>

#include "fencepost_device.h"

struct master;

struct holdings {
	struct mutex lock;
	struct xarray devices;
	struct xarray attachments;
	struct xarray buffers;
	struct xarray fences;
};

/*
 * A device that this module plays: it reaches what lies behind the DMA addresses it is given. Or a
 * bus master that has been claimed, and plays itself.
 */
struct device_played {
	struct device *device;
	/* NULL for a bus master … */
	struct platform_device *platform;
	/* … and this for all others. */
	struct master *master;
	/* Of its own, which keep it. */
	unsigned int attachments;
};

struct attachment_held {
	struct device_played *device;
	/* Held for as long as the device is attached. */
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attachment;
	/* NULL while it is not mapped. */
	struct sg_table *table;
	enum dma_data_direction direction;
	/* The first piece, as it was mapped last. */
	dma_addr_t last_address;
	u64 last_bytes;
};

struct buffer_held {
	struct dma_buf *dmabuf;
	/* What vmap said last, for as long as `vmaps` is not 0. */
	void *vaddr;
	unsigned int vmaps;
};

/* Puts `thing` into the array under the next free number from 1 on, of at most `most`. -ENOSPC. */
int holdings_add(struct xarray *things, void *thing, u32 most, u32 *id);

long played_create(struct holdings *holdings, struct fencepost_device *wanted);
/* A bus master as a device. */
long played_claim(struct holdings *holdings, struct fencepost_master *wanted);
long played_destroy(struct holdings *holdings, u32 id);
void played_release(struct holdings *holdings);
/* Is what an ordinary device maps bounced? */
bool played_bounces(void);

long attachment_make(struct holdings *holdings, struct fencepost_attach *wanted);
long attachment_map(struct holdings *holdings, const struct fencepost_map *wanted);
long attachment_unmap(struct holdings *holdings, u32 id);
/* -EBUSY when it is mapped; and for one that is. */
int attachment_map_held(struct attachment_held *held, enum dma_data_direction direction);
void attachment_unmap_held(struct attachment_held *held);
long attachment_detach(struct holdings *holdings, u32 id);
long attachment_segments(struct holdings *holdings, struct fencepost_segments *wanted);
void attachments_release(struct holdings *holdings);

long buffer_hold(struct holdings *holdings, struct fencepost_hold *wanted);
long buffer_let_go(struct holdings *holdings, u32 id);
long buffer_state(struct holdings *holdings, struct fencepost_state *wanted);
long buffer_vmap(struct holdings *holdings, struct fencepost_vmap *wanted);
long buffer_vunmap(struct holdings *holdings, struct fencepost_vmap *wanted);
long buffer_pages(struct holdings *holdings, const struct fencepost_pages *wanted);
long buffer_access(struct holdings *holdings, const struct fencepost_access *wanted, bool begin);
void buffers_release(struct holdings *holdings);

/* Of pages of the caller. */
long protection_of(const struct fencepost_protection *wanted);

/* The memory behind a device's address. -EREMOTEIO: it could not get there, or there is none. */
int device_reach(struct device *device, dma_addr_t address, size_t bytes, void **memory);

/* `write`: from the program into the buffer. */
long transfer_device(struct holdings *holdings, const struct fencepost_transfer *wanted,
		     bool write);
long transfer_stray(struct holdings *holdings, const struct fencepost_transfer *wanted, bool write);
long transfer_kernel(struct holdings *holdings, const struct fencepost_transfer *wanted,
		     bool write);

#endif
