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

/* Of the time from its first eighth to its end, how much an allocation may spend on the rest of it.
 */
#define BIT_BY_BIT_SHARE 32

/*
 * Does an allocation that nobody disturbs take its memory over much of its time? A block is taken
 * at one go, or nearly (mm/page_alloc.c: alloc_contig_range()), and cleared for most of the time.
 */
static bool taken_bit_by_bit(uint64_t len)
{
	unsigned int during = 0, after = 0;

	if (heap_is_cma())
		return false;
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

/* Waits for a process that allocates, and says how long it has been at work: all of it in the
 * kernel, allocating and freeing. Unlike the time that passes, others cannot add to it. */
static long long work_ns(pid_t child, int *status)
{
	struct rusage used;

	MUST(wait4(child, status, 0, &used));
	EXPECT_TRUE(WIFSIGNALED(*status) || WEXITSTATUS(*status) == 0);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000ll +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000ll;
}

/* The same for one that nobody disturbs; the least of some. */
static long long whole_work_ns(uint64_t len)
{
	long long least = 0;
	int status;

	for (int i = 0; i < 4; i++) {
		long long taken = work_ns(start_doomed_allocation(len, 10000000000), &status);

		EXPECT_EQ(status, 0);
		if (!least || taken < least)
			least = taken;
	}
	return least;
}

CASE(killed_stops, "heap.alloc.killed-stops", CATALOGUE("ALLOC-19"), CLASS(ABI),
     STATEMENT("An allocation that takes its pages bit by bit stops at SIGKILL and does not go on "
	       "taking them."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(), fatal_signal_pending()"),
     NEEDS("heap"), TIMEOUT(30000))
{
	/* A block of half the free memory may not be there. */
	uint64_t len = doomed_bytes(heap_room() * (strcmp(fp_heap_kind(), "system") ? 1 : 2));
	long long whole_ns, taken_ns = 0, delay_ns;
	int status;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		fp_skip("needs cpus: two, one to watch the other");
	if (!taken_bit_by_bit(len))
		fp_skip("needs piecemeal: a buffer's memory is taken all at once");
	whole_ns = whole_work_ns(len);
	delay_ns = whole_ns / 4;
	for (int attempt = 0; attempt < WATCH_ATTEMPTS; attempt++) {
		taken_ns = work_ns(start_doomed_allocation(len, delay_ns), &status);
		if (WIFSIGNALED(status) && taken_ns >= whole_ns / 8 &&
		    taken_ns <= whole_ns * 3 / 4) {
			fp_note("killed %lld us into it, it ended after %lld of %lld us of work",
				delay_ns / 1000, taken_ns / 1000, whole_ns / 1000);
			return;
		}
		/* Too early to have been under way, or too late to stop it. */
		delay_ns = taken_ns < whole_ns / 16 ? delay_ns * 3 / 2 : delay_ns * 2 / 3;
	}
	fp_failf(__FILE__, __LINE__, "the work of an allocation that is killed on its way",
		 "between 1/16 and half of a whole one's, in one of 10 attempts", "%lld of %lld us",
		 taken_ns / 1000, whole_ns / 1000);
}
