/* SPDX-License-Identifier: MIT */
/* Files into the guest (PUT: a tar stream) and out of it (GET). One of each may be under way. */
#ifndef FENCEPOST_TRANSFER_H
#define FENCEPOST_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

void put_begin(const struct frame *frame);
void put_data(const struct frame *frame);
void put_end(const struct frame *frame);

void get_begin(const struct frame *frame);
/* Sends the next piece when there is room for it. Whether there is more to do. */
bool get_step(void);

/* Ends the PUT or GET with this id, if there is one, with ERROR. */
void transfer_kill(uint32_t id);
/* Ends both, without a word: the harness is gone. */
void transfer_abandon(void);

#endif
