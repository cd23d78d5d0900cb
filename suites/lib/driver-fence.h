/* SPDX-License-Identifier: MIT */
/*
 * driver-fence.h - fences and jobs of a driver's, made by the project's own kernel module
 * (docs/device.md). A case that uses any of it needs "device". What a thread makes is its own, and
 * ends with it.
 */
#ifndef FENCEPOST_DRIVER_FENCE_H
#define FENCEPOST_DRIVER_FENCE_H

#include <stdint.h>

#include "fencepost_device.h"

/* A new fence, pending, that is nowhere yet. */
uint32_t driver_fence(void);
/* Adds it to the buffer's: 0, or -1 with errno. */
int driver_fence_add(uint32_t fence, int buffer, enum fencepost_usage usage);
/* A new one in the buffer's reservation; the case fails when it cannot be. */
uint32_t driver_fence_on(int buffer, enum fencepost_usage usage);
/* Signals it, with an error (an errno) where that is not 0: 0, or -1 with errno. */
int driver_fence_signal(uint32_t fence, uint32_t error);
/* Signals it without an error, and lets go of it. */
void driver_fence_end(uint32_t fence);
/* Lets go of one that is signalled: 0, or -1 with errno. */
int driver_fence_drop(uint32_t fence);
/* 0: pending; 1: signalled; a negative errno: signalled with an error. */
int driver_fence_status(uint32_t fence);
/* A sync_file of it. */
int driver_fence_export(uint32_t fence);
/* Gives a fence its job: 0, or -1 with errno. */
int driver_job(struct fencepost_job job);

#endif
