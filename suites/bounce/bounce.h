/* SPDX-License-Identifier: MIT */
/* bounce.h - a buffer as a program, the kernel and devices see it where they do not share memory.
 */
#ifndef FENCEPOST_BOUNCE_H
#define FENCEPOST_BOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "played-device.h"

/* A buffer of the subject, all of it mapped. */
struct seen {
	int buffer;
	size_t bytes;
	unsigned char *at;
	/* Room for what a device reads or writes. */
	unsigned char *copy;
};

struct seen see_buffer(size_t bytes);
void forget_buffer(struct seen *seen);

/*
 * A device with the buffer mapped. The case is a skip where the mapping is not bounced: the kernel
 * said it would be, but a device and the processors share this memory.
 */
uint32_t see_device(const struct seen *seen, enum fencepost_direction direction);

/* The program writes, without any SYNC; the device writes, by itself. */
void write_cpu(const struct seen *seen, uint32_t seed);
void write_device(const struct seen *seen, uint32_t attachment, uint32_t seed);

/* Fails the case unless the device finds this. */
#define EXPECT_DEVICE(seen, attachment, seed)                                                      \
	do {                                                                                       \
		device_read((attachment), 0, (seen)->copy, (seen)->bytes);                         \
		EXPECT_FILLED((seen)->copy, 0, (seen)->bytes, (seed));                             \
	} while (0)
#define EXPECT_CPU(seen, seed) EXPECT_FILLED((seen)->at, 0, (seen)->bytes, (seed))

/*
 * Sizes for the subject, up to what can be bounced in pieces of at most 256 KiB, the last with an
 * odd page at its end. `system_kib`: the most for the system heap, whose chunks may be smaller.
 */
enum { BOUNCE_SIZES = 4 };
void bounce_sizes(size_t sizes[BOUNCE_SIZES], size_t system_kib);

/* The size of all bounce buffers together; 64 MiB, the kernel's own, where it is not told. */
size_t pool_bytes(void);

#endif
