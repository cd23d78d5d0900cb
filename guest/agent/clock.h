/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_CLOCK_H
#define FENCEPOST_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Time since the guest booted, on a clock that never jumps. */
uint64_t clock_us(void);
uint64_t clock_ms(void);

/* Sets the wall clock. Returns 0, or -1 with errno set. */
int clock_set(uint64_t epoch_ns);

/* Credits the kernel's random number generator with these bytes and has it reseed. Returns 0, or -1
 * with errno set. */
int clock_seed(const uint8_t *bytes, size_t length);

#endif
