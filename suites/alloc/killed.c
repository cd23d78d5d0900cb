// SPDX-License-Identifier: MIT
/* killed.c - allocations that are killed on their way. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "memory.h"
#include "needs.h"
#include "volunteer.h"

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* How long an allocation of `len` bytes takes when it is left in peace; the best of some, to be hit
 * within. */
static long long allocation_ns(uint64_t len)
{
	int heap = heap_open(O_RDWR);
	long long best = 0;

	for (int i = 0; i < 3; i++) {
		long long start = now_ns(), taken;
		int fd = MUST(heap_allocate(heap, len, O_RDWR | O_CLOEXEC, 0));

		taken = now_ns() - start;
		if (!best || taken < best)
			best = taken;
		close(fd);
	}
	close(heap);
	return best;
}

/*
 * Starts a process that allocates `len` bytes and is killed `delay_ns` after it began. The kernel's
 * own timer sends the signal, so that it comes in time however busy the machine is.
 */
static pid_t start_doomed_allocation(uint64_t len, long long delay_ns)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
		struct itimerspec after = {
			.it_value = {delay_ns / 1000000000, delay_ns % 1000000000},
		};
		int heap = heap_open(O_RDWR);
		timer_t timer;

		volunteer_for_the_oom_killer();
		if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
		    timer_settime(timer, 0, &after, NULL))
			_exit(255);
		heap_allocate(heap, len, O_RDWR | O_CLOEXEC, 0);
		_exit(0);
	}
	return child;
}

#define KILL_POINTS 16
/* Long enough for a kill to fall into it and for a leak to be seen; no longer on a large machine.
 */
#define DOOMED_BYTES_MIN (4 * MIB)
#define DOOMED_BYTES_MAX (64 * MIB)

/* A share of the free memory, within the limits. */
static uint64_t doomed_bytes(uint64_t wanted)
{
	heap_require(DOOMED_BYTES_MIN);
	return page_align(wanted < DOOMED_BYTES_MAX ? wanted : DOOMED_BYTES_MAX);
}

CASE(killed, "heap.alloc.killed", CATALOGUE("ALLOC-19"), CLASS(ABI),
     STATEMENT("SIGKILL at any point of a long allocation frees everything it has taken."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate()"),
     NEEDS("heap"), TIMEOUT(30000))
{
	uint64_t len = doomed_bytes(heap_room());
	long long whole_ns = allocation_ns(len);
	uint64_t free_before = heap_free_bytes();
	long live_before = live_buffers();
	int killed = 0, status;

	for (int point = 1; point <= KILL_POINTS; point++) {
		pid_t child = start_doomed_allocation(len, whole_ns * point / KILL_POINTS);

		MUST(waitpid(child, &status, 0));
		fp_context("killed %d/%d through", point, KILL_POINTS);
		if (WIFSIGNALED(status))
			killed++;
		else
			EXPECT_EQ(WEXITSTATUS(status), 0);
	}
	fp_note("%d of %d kills came before the allocation of %llu KiB (%lld us) had ended", killed,
		KILL_POINTS, (unsigned long long)(len / 1024), whole_ns / 1000);
	EXPECT_TRUE(killed > 0);
	EXPECT_EQ(live_buffers(), live_before);
	EXPECT_MEMORY_BACK(free_before);
	/* All of it is there to be taken again, not only counted. */
	close(heap_buffer(len));
}

#define WATCH_ATTEMPTS 10
#define KILL_ATTEMPTS  12

/* Of the time from its first eighth to its end, how much an allocation may spend on the rest of it.
 */
#define BIT_BY_BIT_SHARE 10

/*
 * Does an allocation that nobody disturbs take its memory over much of its time? A block is taken
 * at one go, or nearly (mm/page_alloc.c: alloc_contig_range()), and cleared for most of the time:
 * 17 of 348 looks saw one half done on 5.10, and a sixth to nine tenths a heap of single pages.
 */
static bool taken_bit_by_bit(uint64_t len)
{
	unsigned int during = 0, after = 0;

	if (heap_is_cma())
		return false;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		fp_skip("needs cpus: two, one to watch the other");
	if (!strcmp(fp_heap_kind(), "system"))
		return true;
	for (int attempt = 0; attempt < WATCH_ATTEMPTS && during + after < 100; attempt++) {
		uint64_t free_before = meminfo_bytes("MemFree");
		pid_t child = start_doomed_allocation(len, 1000000000);
		bool whole = false;

		while (waitpid(child, NULL, WNOHANG) == 0) {
			uint64_t now = meminfo_bytes("MemFree");

			whole |= now + len * 3 / 4 <= free_before;
			after += whole;
			during += !whole && now + len / 8 < free_before;
		}
	}
	fp_note("seen %u times half done and %u times done", during, after);
	return during * BIT_BY_BIT_SHARE > during + after;
}

/* A share of a buffer, in eighths of its length. */
static uint64_t eighths(uint64_t len, unsigned int count)
{
	return len / 8 * count;
}

/* What was seen of a process that allocates. */
struct seen {
	int status;
	/* Its own, allocating and freeing: unlike time, others cannot add to it. */
	long long work_ns;
	/* The most memory that was gone, by glances, each of which may come too late for it. */
	uint64_t taken;	     /* before it was killed, or at all when it was not */
	uint64_t taken_then; /* at once when it had been killed: the first glance */
	uint64_t taken_on;   /* after that */
};

/*
 * A process that allocates a buffer, and is killed once it is seen to have taken an eighth of it,
 * if it is to be. The signal is pending when kill() returns: whatever is taken by then, no more
 * should be.
 */
static struct seen watch_allocation(uint64_t len, bool to_be_killed)
{
	uint64_t free_before = meminfo_bytes("MemFree");
	pid_t child = start_doomed_allocation(len, 10000000000);
	enum { AT_WORK, KILLED, DYING } stage = AT_WORK;
	struct seen seen = {0};
	struct rusage used;

	while (MUST(wait4(child, &seen.status, WNOHANG, &used)) == 0) {
		uint64_t now = meminfo_bytes("MemFree");
		uint64_t taken = now < free_before ? free_before - now : 0;
		uint64_t *most = stage == AT_WORK  ? &seen.taken
				 : stage == KILLED ? &seen.taken_then
						   : &seen.taken_on;

		if (taken > *most)
			*most = taken;
		if (stage == KILLED)
			stage = DYING;
		if (stage == AT_WORK && to_be_killed && taken >= eighths(len, 1)) {
			MUST(kill(child, SIGKILL));
			stage = KILLED;
		}
	}
	EXPECT_TRUE(WIFSIGNALED(seen.status) || WEXITSTATUS(seen.status) == 0);
	seen.work_ns = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000ll +
		       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000ll;
	return seen;
}

/* Was it killed on its way for certain? Else the kill came when most, or all, had been taken. */
static bool was_caught(const struct seen *killed, uint64_t len)
{
	return WIFSIGNALED(killed->status) && killed->taken >= eighths(len, 1) &&
	       killed->taken <= eighths(len, 4) && killed->taken_then <= eighths(len, 4);
}

/* How many attempts must show the same: one alone may be chance on a busy host. */
#define SIGHTINGS 2

CASE(killed_stops, "heap.alloc.killed-stops", CATALOGUE("ALLOC-19"), CLASS(ABI),
     STATEMENT("An allocation that takes its pages bit by bit stops at SIGKILL and does not go on "
	       "taking them."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(), fatal_signal_pending()"),
     NEEDS("heap dma-heap"), TIMEOUT(30000))
{
	/* ION is left out: what comes out of its pools is not seen to be taken. And a block of half
	 * the free memory may not be there. */
	uint64_t len = doomed_bytes(heap_room() * (strcmp(fp_heap_kind(), "system") ? 1 : 2));
	struct seen worst = {0};
	int caught = 0, stopped = 0, went_on = 0;

	if (!taken_bit_by_bit(len))
		fp_skip("needs piecemeal: a buffer's memory is taken all at once");
	for (int attempt = 0; attempt < KILL_ATTEMPTS && stopped < SIGHTINGS; attempt++) {
		struct seen killed = watch_allocation(len, true);
		struct seen whole = watch_allocation(len, false);

		if (!was_caught(&killed, len))
			continue;
		caught++;
		if (killed.taken_on >= eighths(len, 7)) {
			went_on++;
			if (killed.taken_on > worst.taken_on)
				worst = killed;
		} else if (killed.taken_on <= eighths(len, 6) &&
			   killed.work_ns <= whole.work_ns * 3 / 4) {
			stopped++;
			fp_note("killed when %llu of %llu KiB were taken: %lld of %lld us of work",
				(unsigned long long)(killed.taken / 1024),
				(unsigned long long)(len / 1024), killed.work_ns / 1000,
				whole.work_ns / 1000);
		}
	}
	if (stopped >= SIGHTINGS)
		return;
	if (went_on >= SIGHTINGS)
		fp_failf(__FILE__, __LINE__, "an allocation that is killed on its way",
			 "it stops taking memory",
			 "%d of %d went on; one that had taken %llu of %llu KiB when it was killed "
			 "took %llu KiB",
			 went_on, caught, (unsigned long long)(worst.taken_then / 1024),
			 (unsigned long long)(len / 1024),
			 (unsigned long long)(worst.taken_on / 1024));
	fp_skip("needs duration: %llu KiB are taken too fast for a kill on the way to be seen to "
		"work (%d of %d attempts came in time)",
		(unsigned long long)(len / 1024), caught, KILL_ATTEMPTS);
}
