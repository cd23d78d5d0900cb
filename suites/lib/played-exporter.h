/* SPDX-License-Identifier: MIT */
/*
 * played-exporter.h - buffers of the project's own kernel module, which record what the DMA-BUF
 * core asks of their exporter, and importers that can be told of a move (docs/device.md). A case
 * that uses any of it needs "device".
 *
 * Where a function says nothing else, the case fails when the module refuses what it asks.
 */
#ifndef FENCEPOST_PLAYED_EXPORTER_H
#define FENCEPOST_PLAYED_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fencepost_exporter.h"

/* Does the module, and the kernel with it, have this feature (FENCEPOST_MOVES, ...)? */
bool device_can(uint32_t feature);

struct exported {
	int fd;
	uint32_t export;
};

/* A buffer; `flags` FENCEPOST_EXPORT_..., 0 for a static exporter that can all. */
struct exported exported_make(size_t bytes, uint32_t flags);
/* What was recorded for one kind of call; also after the buffer is gone. */
struct fencepost_call exported_call(struct exported exported, enum fencepost_call_of of);
/* How many calls of this kind there were. */
uint32_t exported_count(struct exported exported, enum fencepost_call_of of);
/* The exporter refuses the next `times` calls of a kind with `error`, or FENCEPOST_FAIL_NULL. */
void exported_fail(struct exported exported, enum fencepost_call_of of, int error, uint32_t times);
/* The exporter tells its importers of a move; `flags` FENCEPOST_MOVE_..., 0 to do it right. */
void exported_move(struct exported exported, uint32_t flags);

/* As device_attach(), for a dynamic importer: `flags` FENCEPOST_ATTACH_... . 0, or -1 with errno.
 */
int device_try_attach(uint32_t device, int buffer, uint32_t flags, uint32_t *attachment);
uint32_t device_attach_dynamic(uint32_t device, int buffer);
/* How often it was told of a move, and how often under the reservation lock. */
struct fencepost_notified device_notified(uint32_t attachment);
/* 0, or -1 with errno. */
int device_pin(uint32_t attachment);
void device_unpin(uint32_t attachment);
struct fencepost_table device_table(uint32_t attachment);
/* Where its bus ends from now on; 0 for nowhere. */
void device_limit(uint32_t device, uint64_t limit);

#endif
