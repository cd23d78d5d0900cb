// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "waiter.h"

#define ANSWER_TIMEOUT_MS 5000
#define LOOK_AGAIN_NS	  1000000

static const char ready = 'r';

static void __attribute__((noreturn))
be_the_waiter(int answers, long (*call)(void *), void *argument)
{
	struct answer answer;

	if (write(answers, &ready, sizeof(ready)) != sizeof(ready))
		_exit(1);
	errno = 0;
	answer.result = call(argument);
	answer.error = errno;
	_exit(write(answers, &answer, sizeof(answer)) != sizeof(answer));
}

struct waiter waiter_start(long (*call)(void *), void *argument)
{
	struct waiter waiter;
	int ends[2];
	char said = 0;

	MUST(pipe2(ends, O_CLOEXEC));
	waiter.pid = MUST(fork());
	if (waiter.pid == 0) {
		close(ends[0]);
		be_the_waiter(ends[1], call, argument);
	}
	close(ends[1]);
	waiter.answers = ends[0];
	EXPECT_EQ(read(waiter.answers, &said, sizeof(said)), 1);
	return waiter;
}

static bool answers_within(const struct waiter *waiter, int timeout_ms)
{
	struct pollfd polled = {.fd = waiter->answers, .events = POLLIN};

	return MUST(poll(&polled, 1, timeout_ms)) == 1;
}

bool waiter_answered(const struct waiter *waiter)
{
	return answers_within(waiter, 0);
}

/* The runner has checked the scale. */
static int answer_timeout_ms(void)
{
	const char *scale = getenv("FENCEPOST_TIMEOUT_SCALE");

	return ANSWER_TIMEOUT_MS * (scale && *scale ? atoi(scale) : 1);
}

struct answer waiter_answer(struct waiter *waiter)
{
	int timeout_ms = answer_timeout_ms();
	struct answer answer;
	ssize_t got;

	if (!answers_within(waiter, timeout_ms))
		fp_failf(__FILE__, __LINE__, "the waiting call", "an end", "none within %d ms",
			 timeout_ms);
	got = read(waiter->answers, &answer, sizeof(answer));
	if (got != sizeof(answer))
		fp_fail(__FILE__, __LINE__, "the waiting call", "an answer", "its process died");
	close(waiter->answers);
	MUST(waitpid(waiter->pid, NULL, 0));
	return answer;
}

long waiter_poll_in(void *argument)
{
	struct pollfd polled = {.fd = *(const int *)argument, .events = POLLIN};

	return poll(&polled, 1, -1) < 0 ? -1 : polled.revents;
}

/* The process's state letter (proc_pid_stat(5)), or '\0' when it is gone. */
static char state_of(pid_t pid)
{
	char path[32], text[256], state = '\0';
	ssize_t length;
	int stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = open(path, O_RDONLY | O_CLOEXEC);
	if (stat < 0)
		return state;
	length = read(stat, text, sizeof(text) - 1);
	if (length > 0) {
		text[length] = '\0';
		/* The name before it is in brackets, and may hold brackets. */
		if (strrchr(text, ')'))
			state = strrchr(text, ')')[2];
	}
	close(stat);
	return state;
}

void waiter_check_asleep(const char *file, int line, const char *expression,
			 const struct waiter *waiter)
{
	const struct timespec pause = {0, LOOK_AGAIN_NS};
	long long looks = answer_timeout_ms() * 1000000ll / LOOK_AGAIN_NS;
	struct answer answer;
	char state;

	while ((state = state_of(waiter->pid)) != 'S' && !waiter_answered(waiter) && looks-- > 0)
		nanosleep(&pause, NULL);
	if (!waiter_answered(waiter)) {
		if (state == 'S')
			return;
		fp_failf(file, line, expression, "asleep in its call", "in state '%c' for %d ms",
			 state, answer_timeout_ms());
	}
	if (read(waiter->answers, &answer, sizeof(answer)) != sizeof(answer))
		fp_fail(file, line, expression, "asleep in its call", "dead");
	fp_failf(file, line, expression, "asleep in its call", "back with %ld, errno %s",
		 answer.result, fp_errno_name(answer.error));
}
