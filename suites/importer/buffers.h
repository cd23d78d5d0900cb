/* SPDX-License-Identifier: MIT */
/* buffers.h - what comes after a buffer. */
#ifndef FENCEPOST_IMPORTER_BUFFERS_H
#define FENCEPOST_IMPORTER_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

/* Others take buffers of this size and fill them: what was freed too early is written over. */
void others_fill(size_t bytes, uint32_t seed);

#endif
