/* SPDX-License-Identifier: MIT */
/*
 * storm.h - several threads at once, each doing a stated number of things chosen by chance, from a
 * seed that is noted with the result.
 *
 * FENCEPOST_SEED repeats a storm's choices: a decimal number, or one in hexadecimal after 0x. How
 * the threads meet is the scheduler's; a storm that failed is best repeated several times.
 */
#ifndef FENCEPOST_STORM_H
#define FENCEPOST_STORM_H

#include <stdint.h>

struct storm_thread {
	unsigned int index;
	uint64_t random; /* state of its own numbers; storm_below() moves it on */
	void *shared;
};

/*
 * Runs `work` in `threads` threads at once (at most 16), spread over the CPUs, and waits for all of
 * them. `shared` is theirs to share. What they fail is the case's failure.
 */
void storm_run(unsigned int threads, void (*work)(struct storm_thread *), void *shared);

/* A number from 0 to `end` - 1. */
unsigned int storm_below(struct storm_thread *thread, unsigned int end);

#endif
