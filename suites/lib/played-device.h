/* SPDX-License-Identifier: MIT */
/*
 * played-device.h - devices that buffers are mapped for, played by the project's own kernel module,
 * and buffers as a driver in the kernel holds them (docs/device.md). A case that uses any of it
 * needs "device".
 *
 * What a thread makes is its own, and is gone with its process. Where a function says nothing else,
 * the case fails when the module refuses what it asks.
 */
#ifndef FENCEPOST_PLAYED_DEVICE_H
#define FENCEPOST_PLAYED_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fencepost_device.h"

/* Is the module there, in a version that this program understands? `why` says what is wrong. */
bool device_there(char *why, size_t size);
/* Is what devices map bounced on this machine? */
bool device_bounces(void);

/* One of the module's ioctls, raw: 0, or -1 with errno. */
int device_ioctl(unsigned int command, void *argument);

/* A device that reaches 64 bits, in segments of any length; and one with limits of its own. */
uint32_t device_make(void);
uint32_t device_make_limited(struct fencepost_device wanted);
void device_destroy(uint32_t device);

/* The attachment's number. */
uint32_t device_attach(uint32_t device, int buffer);
void device_detach(uint32_t attachment);
/* 0, or -1 with errno. */
int device_map(uint32_t attachment, enum fencepost_direction direction);
void device_unmap(uint32_t attachment);
/* A new device with the buffer attached and mapped: the attachment's number. */
uint32_t device_with(int buffer, enum fencepost_direction direction);

/* What the device does with a mapping. */
void device_read(uint32_t attachment, size_t offset, void *data, size_t bytes);
void device_write(uint32_t attachment, size_t offset, const void *data, size_t bytes);

/*
 * A bus master: a real device, for all of the above one like those that are played. Up to 64 KiB a
 * call, and slow: some 0.2 s for 4 KiB. A case that uses it needs "master".
 */
bool device_masters(void);
/* Does an IOMMU decide what bus masters reach? A case that relies on it needs "iommu". */
bool device_masters_translated(void);
uint32_t device_claim(void);
/*
 * The bus master reaches for where it had the buffer mapped, though it has no longer: behind an
 * IOMMU only, which is to refuse it. What it then reads is anything but that.
 */
void device_stray_read(uint32_t attachment, size_t offset, void *data, size_t bytes);
void device_stray_write(uint32_t attachment, size_t offset, const void *data, size_t bytes);

/*
 * The mapping as the device sees it: its pieces, in an array that lasts as long as the process.
 * @returns how many there are
 */
uint32_t device_segments(uint32_t attachment, struct fencepost_segment **segments);

/* A reference to the buffer, held by the kernel. */
uint32_t kernel_hold(int buffer);
void kernel_let_go(uint32_t held);
struct fencepost_state kernel_state(uint32_t held);
/* The address. */
uint64_t kernel_vmap(uint32_t held);
/* What is left at the address: 1 a page, 0 none, 2 where that cannot be told. */
uint32_t kernel_vunmap(uint32_t held);
void kernel_read(uint32_t held, size_t offset, void *data, size_t bytes);
void kernel_write(uint32_t held, size_t offset, const void *data, size_t bytes);
/* Physical addresses of `count` pages from the first on; the buffer has a vmap. */
void kernel_pages(uint32_t held, uint64_t *pages, uint32_t count);
/* 0, or -1 with errno. */
int kernel_begin_access(uint32_t held, enum fencepost_direction direction);
int kernel_end_access(uint32_t held, enum fencepost_direction direction);

/*
 * The largest buffer of whole pages that can be mapped here whatever heap it comes from, with an
 * odd number of pages where it has many: a mapping that is bounced takes at most 256 KiB in one
 * piece (include/linux/swiotlb.h: IO_TLB_SEGSIZE).
 */
size_t device_room(void);

#endif
