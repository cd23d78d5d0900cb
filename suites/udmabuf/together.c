// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"
#include "together.h"

/* Longer than any process waits to be run; who is alone after that gives up. */
#define MEET_NS 5000000000ll

struct meeting {
	atomic_int here;
	struct answer theirs;
};

/* Waits, without sleeping, until both are here. False: the other never came. */
static bool meet(struct meeting *meeting)
{
	int64_t until = fence_clock_ns() + MEET_NS;

	atomic_fetch_add(&meeting->here, 1);
	while (atomic_load(&meeting->here) < 2)
		if (fence_clock_ns() > until)
			return false;
	return true;
}

static struct answer answer_of(long (*call)(void *), void *argument)
{
	struct answer answer;

	errno = 0;
	answer.result = call(argument);
	answer.error = errno;
	return answer;
}

struct both together(long (*ours)(void *), long (*theirs)(void *), void *argument,
		     uint64_t delay_ns)
{
	struct meeting *meeting = MUST(mmap(NULL, sizeof(*meeting), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	struct both both;
	int status = -1;
	int64_t start;
	pid_t other;

	other = MUST(fork());
	if (other == 0) {
		if (!meet(meeting))
			_exit(1);
		meeting->theirs = answer_of(theirs, argument);
		_exit(0);
	}
	EXPECT_TRUE(meet(meeting));
	start = fence_clock_ns();
	while (fence_clock_ns() - start < (int64_t)delay_ns)
		;
	both.ours = answer_of(ours, argument);
	EXPECT_EQ(MUST(waitpid(other, &status, 0)), other);
	EXPECT_EQ(status, 0);
	both.theirs = meeting->theirs;
	MUST(munmap(meeting, sizeof(*meeting)));
	return both;
}
