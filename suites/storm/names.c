// SPDX-License-Identifier: MIT
/* Buffers that are named, looked at, and put for the last time, all at once. */
#define _GNU_SOURCE
#include <unistd.h>

#include "fdinfo.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "patterned-name.h"
#include "storm-parts.h"

/* Descriptor numbers that stay; what they refer to changes. */
enum { PLACES = 3 };

struct places {
	int buffer[PLACES];
};

static int any(struct storm_thread *thread)
{
	const struct places *places = thread->shared;

	return places->buffer[storm_below(thread, PLACES)];
}

static void set_name(struct storm_thread *thread)
{
	patterned_name_set(any(thread), storm_below(thread, PATTERNED_NAMES));
}

/* The old buffer goes away with this, unless another thread is looking at it. */
static void replace(struct storm_thread *thread)
{
	int fresh = heap_buffer(page_size());

	if (storm_below(thread, 2))
		patterned_name_set(fresh, storm_below(thread, PATTERNED_NAMES));
	MUST(dup3(fresh, any(thread), O_CLOEXEC));
	MUST(close(fresh));
}

static void look(struct storm_thread *thread)
{
	struct fdinfo info;

	switch (storm_below(thread, 3)) {
	case 0:
		patterned_name_in_link(any(thread));
		break;
	case 1:
		patterned_name_in_fdinfo(any(thread));
		break;
	default:
		fdinfo_read(any(thread), &info);
		EXPECT_EQ(info.size, page_size());
	}
}

static void list(struct storm_thread *thread)
{
	(void)thread;
	patterned_names_in_bufinfo();
}

CASE(names, "storm.names", CATALOGUE("CONC-04"), CLASS(ABI),
     STATEMENT("Naming buffers, reading links, fdinfo and bufinfo, and putting the last reference, "
	       "all at once, is safe."),
     SOURCE("drivers/dma-buf/dma-buf.c: name_lock, and the list's mutex in dma_buf_debug_show()"),
     NEEDS("heap debugfs"), TIMEOUT(30000))
{
	const struct storm_part parts[] = {
		{"set names", 2, 2000, set_name},
		{"replace buffers", 1, storm_allocations(300), replace},
		{"look at one", 2, STORM_UNTIL_OTHERS_END, look},
		{"list all", 1, STORM_UNTIL_OTHERS_END, list},
	};
	const struct holdings before = holdings_now();
	struct places places;

	for (int i = 0; i < PLACES; i++)
		places.buffer[i] = heap_buffer(page_size());
	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &places);
	for (int i = 0; i < PLACES; i++)
		MUST(close(places.buffer[i]));
	EXPECT_HOLDINGS_BACK(&before);
}
