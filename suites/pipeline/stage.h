/* SPDX-License-Identifier: MIT */
/*
 * stage.h - a GPU, a display and an encoder, each a played device with a driver: what is drawn goes
 * through the GPU into a frame, and from there to the panel and into a stream, changed by each.
 */
#ifndef FENCEPOST_PIPELINE_STAGE_H
#define FENCEPOST_PIPELINE_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "driver-fence.h"

enum device_kind { GPU, DISPLAY, ENCODER, DEVICES };

/* What each makes of a byte: exclusive or with this. */
extern const uint32_t changes[DEVICES];

struct pipeline {
	size_t bytes;
	uint32_t device[DEVICES];
};

struct pipeline pipeline_make(void);

/* A new buffer of the pipeline's size; filled with `seed` by a program, where that is not 0. */
int pipeline_buffer(const struct pipeline *pipeline, uint32_t seed);

/* How a job is given to a driver. */
struct order {
	enum device_kind device;
	int from, to;
	uint32_t flags; /* FENCEPOST_JOB_* */
	int wait;	/* a sync_file, or -1 */
	uint32_t delay_ms;
};

/* Its driver attaches both buffers and queues the job. @returns its fence */
uint32_t pipeline_queue(const struct pipeline *pipeline, struct order order);

/*
 * A program waits in poll() until it may read, and looks: the case fails unless it finds what was
 * filled with `seed`, as it comes out of devices whose changes are `change` together.
 */
#define EXPECT_FRAME(pipeline, buffer, seed, change)                                               \
	pipeline_check(__FILE__, __LINE__, #buffer, (pipeline), (buffer), (seed), (change))
void pipeline_check(const char *file, int line, const char *expression,
		    const struct pipeline *pipeline, int buffer, uint32_t seed, uint32_t change);

/* Waits in poll() for a sync_file's end, and closes it. */
void fence_await(int fence);

#endif
