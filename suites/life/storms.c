// SPDX-License-Identifier: MIT
/* storms.c - buffers that several threads take hold of and let go at once. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "ktap.h"
#include "bufinfo.h"
#include "heap.h"
#include "holdings.h"
#include "life.h"
#include "memory.h"
#include "storm.h"

#define THREADS	    4
#define SLOTS	    6
#define PAGES_MAX   16
#define MAP_ROUNDS  50
#define FORK_EVERY  16
#define LIST_ROUNDS 80

/* Descriptors that any thread may map, or take away and close; -1: none. */
struct slots {
	atomic_int fds[SLOTS];
	atomic_int writers; /* threads that have not finished */
};

static void slots_fill(struct slots *slots)
{
	for (int i = 0; i < SLOTS; i++)
		atomic_store(&slots->fds[i], -1);
}

/* Puts `fd` into a slot and closes what was there; whoever maps that now comes too late, or just in
 * time. */
static void slot_replace(struct slots *slots, unsigned int slot, int fd)
{
	int old = atomic_exchange(&slots->fds[slot], fd);

	if (old >= 0)
		MUST(close(old));
}

static void slots_empty(struct slots *slots)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		slot_replace(slots, i, -1);
}

static void look_in_child(const char *at, size_t bytes, char mark)
{
	pid_t child = MUST(fork());
	int status;

	if (child == 0) {
		LIFE_EXPECT(at, bytes, mark);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
}

/* A mapping of whatever lies in a slot, if it is still open by then. */
static void glance(const struct slots *slots, unsigned int slot)
{
	int fd = atomic_load(&slots->fds[slot]);
	volatile char *at;

	if (fd < 0)
		return;
	at = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return;
	(void)*at;
	MUST(munmap((void *)at, page_size()));
}

static void map_and_close(struct storm_thread *thread)
{
	struct slots *slots = thread->shared;
	const size_t page = page_size();

	for (unsigned int round = 0; round < MAP_ROUNDS; round++) {
		size_t pages = 1 + storm_below(thread, PAGES_MAX), cut;
		int fd = heap_buffer(pages * page);
		char mark = (char)(1 + thread->index * 31 + round % 29);
		char *at = buffer_map(fd, pages * page);

		life_fill(at, pages * page, mark);
		/* From here on the descriptor is anyone's; the mapping alone is ours. */
		slot_replace(slots, storm_below(thread, SLOTS), fd);
		glance(slots, storm_below(thread, SLOTS));
		if (storm_below(thread, FORK_EVERY) == 0)
			look_in_child(at, pages * page, mark);
		cut = storm_below(thread, (unsigned int)pages) * page;
		LIFE_EXPECT(at, cut, mark);
		if (cut)
			MUST(munmap(at, cut));
		glance(slots, storm_below(thread, SLOTS));
		LIFE_EXPECT(at + cut, pages * page - cut, mark);
		MUST(munmap(at + cut, pages * page - cut));
	}
}

CASE(map_storm, "life.storm-map", CATALOGUE("CONC-03"), CLASS(ABI),
     STATEMENT("Mapping, touching and unmapping buffers while other threads close their "
	       "descriptors, and fork, shows no other data and leaves nothing."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_mmap_internal(), dma_buf_release()"), NEEDS("heap"),
     TIMEOUT(30000))
{
	struct holdings before = holdings_now();
	static struct slots slots;

	heap_require(4 * MIB);
	slots_fill(&slots);
	storm_run(THREADS, map_and_close, &slots);
	slots_empty(&slots);
	EXPECT_HOLDINGS_BACK(&before);
}

static void make_and_drop(struct storm_thread *thread)
{
	struct slots *slots = thread->shared;

	for (unsigned int round = 0; round < LIST_ROUNDS; round++) {
		int fd = heap_buffer((1 + storm_below(thread, 4)) * page_size());

		if (storm_below(thread, 2))
			MUST(raw_ioctl(fd, DMA_BUF_SET_NAME_B, "in a storm"));
		/* Some die at once, some when another thread comes by. */
		if (storm_below(thread, 2))
			slot_replace(slots, storm_below(thread, SLOTS), fd);
		else
			MUST(close(fd));
	}
	atomic_fetch_sub(&slots->writers, 1);
}

/* The half of the threads makes buffers; the others list them until all of those are done. */
static void make_or_list(struct storm_thread *thread)
{
	struct slots *slots = thread->shared;
	struct bufinfo info;

	if (thread->index % 2) {
		make_and_drop(thread);
		return;
	}
	do
		bufinfo_read(&info, 0, NULL);
	while (atomic_load(&slots->writers));
}

CASE(list_storm, "life.storm-list", CATALOGUE("CONC-08"), CLASS(ABI),
     STATEMENT("debugfs lists buffers rightly while they are made and freed: no line is torn, and "
	       "all of them are counted."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_debug_show(), dma_buf_file_release()"),
     NEEDS("heap debugfs"), TIMEOUT(30000))
{
	struct holdings before = holdings_now();
	static struct slots slots;

	slots_fill(&slots);
	atomic_store(&slots.writers, THREADS / 2);
	storm_run(THREADS, make_or_list, &slots);
	slots_empty(&slots);
	EXPECT_HOLDINGS_BACK(&before);
}
