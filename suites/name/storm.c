// SPDX-License-Identifier: MIT
/* storm.c - a name that is set and read by many at once. */
#include "ktap.h"
#include "heap.h"
#include "patterned-name.h"
#include "storm-parts.h"

static void set_one(struct storm_thread *thread)
{
	patterned_name_set(*(const int *)thread->shared, storm_below(thread, PATTERNED_NAMES));
}

static void read_link(struct storm_thread *thread)
{
	patterned_name_in_link(*(const int *)thread->shared);
}

static void read_fdinfo(struct storm_thread *thread)
{
	patterned_name_in_fdinfo(*(const int *)thread->shared);
}

static void read_bufinfo(struct storm_thread *thread)
{
	(void)thread;
	patterned_names_in_bufinfo();
}

CASE(storm, "heap.name.storm", CATALOGUE("SETN-08"), CLASS(ABI),
     STATEMENT("While a name is set again and again, every reader sees one whole name or another."),
     SOURCE("drivers/dma-buf/dma-buf.c: name_lock in dma_buf_set_name(), dmabuffs_dname(), "
	    "dma_buf_show_fdinfo() and dma_buf_debug_show()"),
     NEEDS("heap debugfs"), TIMEOUT(30000))
{
	static const struct storm_part parts[] = {
		{"set the name", 2, 4000, set_one},
		{"read the link", 1, STORM_UNTIL_OTHERS_END, read_link},
		{"read fdinfo", 1, STORM_UNTIL_OTHERS_END, read_fdinfo},
		{"read bufinfo", 1, STORM_UNTIL_OTHERS_END, read_bufinfo},
	};
	int buffer = heap_buffer(page_size());

	patterned_name_set(buffer, 0);
	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &buffer);
	patterned_name_in_link(buffer);
	patterned_name_in_fdinfo(buffer);
	patterned_names_in_bufinfo();
}
