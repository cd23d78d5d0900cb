// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "storm.h"

#define THREADS_MAX 16

struct start {
	struct storm_thread thread;
	void (*work)(struct storm_thread *);
	pthread_barrier_t *together;
	int cpu;
};

/* One round of SplitMix64: every seed, 0 too, gives a different and well mixed sequence. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned int storm_below(struct storm_thread *thread, unsigned int end)
{
	return (unsigned int)(next_random(&thread->random) % end);
}

static uint64_t seed(void)
{
	const char *text = getenv("FENCEPOST_SEED");
	uint64_t chosen;
	char *rest;

	if (!text || !*text) {
		struct timespec now;

		/* Not getrandom(): clones of one guest begin with one state of it. */
		clock_gettime(CLOCK_REALTIME, &now);
		return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	}
	errno = 0;
	chosen = strtoull(text, &rest, 0);
	if (*rest || errno || *text == '-')
		fp_failf(__FILE__, __LINE__, "FENCEPOST_SEED", "a number below 2^64", "\"%s\"",
			 text);
	return chosen;
}

static void *be_a_thread(void *argument)
{
	struct start *start = argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)start->cpu, &cpus);
	/* Where it is refused the threads are spread by the scheduler instead. */
	sched_setaffinity(0, sizeof(cpus), &cpus);
	pthread_barrier_wait(start->together);
	start->work(&start->thread);
	return NULL;
}

void storm_run(unsigned int threads, void (*work)(struct storm_thread *), void *shared)
{
	/* Asked for here: musl counts the CPUs that this thread may run on. */
	const int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t state = seed();
	struct start starts[THREADS_MAX];
	pthread_t handles[THREADS_MAX];
	pthread_barrier_t together;

	EXPECT_TRUE(threads <= THREADS_MAX);
	fp_note("%u threads, FENCEPOST_SEED=%#llx", threads, (unsigned long long)state);
	EXPECT_EQ(pthread_barrier_init(&together, NULL, threads), 0);
	for (unsigned int i = 0; i < threads; i++) {
		starts[i] = (struct start){
			.thread = {.index = i, .random = next_random(&state), .shared = shared},
			.work = work,
			.together = &together,
			.cpu = (int)i % cpus,
		};
		EXPECT_EQ(pthread_create(&handles[i], NULL, be_a_thread, &starts[i]), 0);
	}
	for (unsigned int i = 0; i < threads; i++)
		EXPECT_EQ(pthread_join(handles[i], NULL), 0);
	pthread_barrier_destroy(&together);
}
