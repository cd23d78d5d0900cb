/* SPDX-License-Identifier: MIT */
/* device-checks.h - what holds of every buffer that a device is given. Needs "device". */
#ifndef FENCEPOST_DEVICE_CHECKS_H
#define FENCEPOST_DEVICE_CHECKS_H

#include <stddef.h>
#include <stdint.h>

#include "fencepost_device.h"

/* All directions that a buffer can be mapped in. */
#define DIRECTIONS 3
extern const enum fencepost_direction directions[DIRECTIONS];

/*
 * A device attaches, maps in each direction, unmaps and detaches, again and again, and leaves the
 * buffer neither attachment nor reference. Nobody else has the buffer attached.
 */
void expect_round_trips(int buffer);

/*
 * What is mapped has `bytes` bytes, in pieces of whole pages at page-aligned addresses that do not
 * overlap.
 */
void expect_covers(uint32_t attachment, size_t bytes);

#endif
