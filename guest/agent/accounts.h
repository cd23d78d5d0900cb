/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_ACCOUNTS_H
#define FENCEPOST_ACCOUNTS_H

#include <stddef.h>

/* Most bytes of accounts: some forty lines. */
#define ACCOUNTS_BYTES (8 * 1024)

/*
 * What the kernel holds right now, as "key=value" lines ended by NUL (docs/protocol.md), into
 * `text`, which has ACCOUNTS_BYTES. Returns their length. Takes 0.5 s at the very most, when a
 * dma-buf's lock is never released.
 */
size_t accounts_gather(char *text);

#endif
