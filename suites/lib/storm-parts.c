// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <string.h>

#include "ktap.h"
#include "memory.h"
#include "storm-parts.h"

struct cast {
	const struct storm_part *parts;
	atomic_uint counted; /* threads with a number of operations that have not ended */
	void *shared;
};

static const struct storm_part *part_of(const struct cast *cast, unsigned int index)
{
	const struct storm_part *part = cast->parts;

	for (; index >= part->threads; part++)
		index -= part->threads;
	return part;
}

static void play(struct storm_thread *thread)
{
	struct cast *cast = thread->shared;
	const struct storm_part *part = part_of(cast, thread->index);

	thread->shared = cast->shared;
	if (part->operations == STORM_UNTIL_OTHERS_END) {
		while (atomic_load(&cast->counted) > 0)
			part->act(thread);
		return;
	}
	for (unsigned int i = 0; i < part->operations; i++)
		part->act(thread);
	atomic_fetch_sub(&cast->counted, 1);
}

void storm_parts_run(const struct storm_part *parts, size_t count, void *shared)
{
	struct cast cast = {.parts = parts, .shared = shared};
	unsigned int threads = 0;

	for (size_t i = 0; i < count; i++) {
		threads += parts[i].threads;
		if (parts[i].operations == STORM_UNTIL_OTHERS_END) {
			fp_note("%s: %u threads, until the others have ended", parts[i].name,
				parts[i].threads);
			continue;
		}
		fp_note("%s: %u threads, %u operations each", parts[i].name, parts[i].threads,
			parts[i].operations);
		cast.counted += parts[i].threads;
	}
	storm_run(threads, play, &cast);
}

unsigned int storm_allocations(unsigned int wanted)
{
	return heap_is_cma() ? wanted / 10 : wanted;
}
