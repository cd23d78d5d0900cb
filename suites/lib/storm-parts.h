/* SPDX-License-Identifier: MIT */
/*
 * storm-parts.h - a storm (storm.h) whose threads have different things to do, each again and
 * again.
 *
 *	static const struct storm_part parts[] = {
 *		{"rename", 2, 2000, rename_at_random},
 *		{"look", 1, STORM_UNTIL_OTHERS_END, read_fdinfo},
 *	};
 *
 *	storm_parts_run(parts, 2, &shared);
 */
#ifndef FENCEPOST_STORM_PARTS_H
#define FENCEPOST_STORM_PARTS_H

#include <stddef.h>

#include "storm.h"

/* For a part's `operations`: on and on, until all threads that have a number have done theirs. */
#define STORM_UNTIL_OTHERS_END 0

struct storm_part {
	const char *name;
	unsigned int threads;
	unsigned int operations; /* by each thread */
	/*
	 * One operation; what it needs to know is in `shared`. The threads are one process's and
	 * share its descriptors; a failed check ends the case.
	 */
	void (*act)(struct storm_thread *thread);
};

/*
 * Runs all parts, at most 16 threads in all, and returns when every thread has ended. A wait inside
 * an operation must have an end, or the case's deadline is its end.
 */
void storm_parts_run(const struct storm_part *parts, size_t count, void *shared);

/*
 * How many buffers a storm may allocate where it would take `wanted` from a heap of single pages. A
 * CMA heap waits for every CPU to empty its lists (mm/page_alloc.c: alloc_contig_range()), which
 * the storm's own threads keep from doing so: a tenth has to do.
 */
unsigned int storm_allocations(unsigned int wanted);

#endif
