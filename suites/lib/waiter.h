/* SPDX-License-Identifier: MIT */
/*
 * waiter.h - someone who waits: a process that makes one call which may block, and tells what came
 *of it.
 *
 * "It blocks" is shown without trusting a clock: the waiter is seen asleep (state S in
 * /proc/PID/stat) while it has not answered; between saying that it is about to call and answering
 *it does nothing else that could sleep.
 *
 *	struct waiter waiter = waiter_start(poll_in, &fence);
 *
 *	EXPECT_ASLEEP(&waiter);
 *	MUST(timeline_increase(timeline, 1));
 *	EXPECT_EQ(waiter_answer(&waiter).result, POLLIN);
 *
 * The process has copies of all file descriptors: one that must be closed for something to happen
 *(a timeline, say) has to be closed in the call as well, before it waits.
 */
#ifndef FENCEPOST_WAITER_H
#define FENCEPOST_WAITER_H

#include <stdbool.h>
#include <sys/types.h>

struct waiter {
	pid_t pid;
	int answers; /* the pipe's reading end */
};

struct answer {
	long result;
	int error; /* errno after the call */
};

/* Starts a process that calls call(argument); returns when it is about to. */
struct waiter waiter_start(long (*call)(void *), void *argument);
/* Has it answered? Does not wait. */
bool waiter_answered(const struct waiter *waiter);
/* Waits for the answer and the process's end; the case fails when there is none within 5 s (times
 * the scale). */
struct answer waiter_answer(struct waiter *waiter);
/* A call for waiter_start(): polls the int that `argument` points to for POLLIN, without end; the
 * revents. */
long waiter_poll_in(void *argument);

/* The case fails when the waiter answers, or ends, instead of falling asleep in its call. */
#define EXPECT_ASLEEP(waiter) waiter_check_asleep(__FILE__, __LINE__, #waiter, (waiter))
void waiter_check_asleep(const char *file, int line, const char *expression,
			 const struct waiter *waiter);

#endif
