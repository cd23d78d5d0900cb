/* SPDX-License-Identifier: MIT */
/* The one program that runs at a time, with all it starts. */
#ifndef FENCEPOST_JOB_H
#define FENCEPOST_JOB_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/* Starts what a RUN frame asks for; answers ERROR itself when it cannot. */
void job_start(const struct frame *run);

/* SIGKILL now, when `id` is the job that runs. */
void job_kill(uint32_t id);

/* SIGKILL now, whatever runs. */
void job_abandon(void);

/*
 * Does what is due: collects the dead, kills what is late or left over, says heartbeats and the
 * job's end. Returns the milliseconds until something is due again, -1 for never.
 */
int job_tick(void);

/* The job's two pipes for poll(); descriptors of -1 where there is nothing to read, or no room for
 * it. */
void job_poll(struct pollfd pipes[2]);
/* Reads pipes that poll() said are ready. */
void job_read(const struct pollfd pipes[2]);

#endif
