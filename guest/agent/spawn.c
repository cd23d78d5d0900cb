// SPDX-License-Identifier: MIT
/*
 * What starts a job is on the way of every case, and under emulation each piece of kernel code that
 * runs for the first time costs as much as running it a thousand times. So the child borrows the
 * agent's memory until it is the program, and what can be done once, or not at all, is not done
 * here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "spawn.h"

#define STACK_BYTES (32 * 1024)

/* One string takes a byte at least, and two lists end with a NULL. */
static char *words[MAX_PAYLOAD_BYTES + 2];

/* What the child needs, in memory it shares with us until it executes the program or ends. */
struct birth {
	char **argv, **env;
	int null, output, error;
	int problem; /* errno, when it could not become the program */
};

/*
 * Splits a RUN frame's strings: argc of them, NULL, envc of them, NULL. Returns the array, whose
 * strings stay in the frame; NULL with errno set when the frame's counts are not what is in it.
 */
static char **split(const struct frame *run, char ***env)
{
	const char *text = (const char *)run->payload + 12;
	const char *end = (const char *)run->payload + run->length;
	size_t argc = read_u32(run->payload + 4);
	size_t envc = read_u32(run->payload + 8);

	errno = EINVAL;
	/* Each string has at least its NUL, so the payload bounds the counts. */
	if (argc < 1 || argc > run->length || envc > run->length || argc + envc > run->length)
		return NULL;
	for (size_t i = 0; i < argc + envc + 1; i++) {
		const char *nul;

		if (i == argc)
			continue;
		nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
		if (!nul)
			return NULL;
		words[i] = (char *)text;
		text = nul + 1;
	}
	if (text != end || words[0][0] != '/')
		return NULL;
	words[argc] = NULL;
	words[argc + 1 + envc] = NULL;
	*env = words + argc + 1;
	return words;
}

/* The child's part: never returns. Handlers of signals end with the agent's memory. */
static int become(void *of)
{
	struct birth *birth = of;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (dup2(birth->null, 0) >= 0 && dup2(birth->output, 1) >= 0 && dup2(birth->error, 2) >= 0)
		execve(birth->argv[0], birth->argv, birth->env);
	birth->problem = errno;
	_exit(127);
}

static void log_begin(uint32_t id, char **argv)
{
	char line[800];
	size_t length = 0;

	for (; *argv && length < sizeof(line); argv++)
		length += (size_t)snprintf(line + length, sizeof(line) - length, " %s", *argv);
	log_line("job %u begin%s", id, line);
}

static void close_pair(int pair[2])
{
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

pid_t spawn(const struct frame *run, int pipes[2], const char **problem)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	static int null = -1;
	int output[2] = {-1, -1}, error[2] = {-1, -1};
	struct birth birth = {.problem = 0};
	int failure;
	pid_t pid;

	*problem = "the request makes no sense";
	birth.argv = split(run, &birth.env);
	if (!birth.argv)
		return -1;
	*problem = "cannot start a process";
	if (null < 0)
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || pipe2(output, O_CLOEXEC) || pipe2(error, O_CLOEXEC))
		goto fail;
	birth.null = null;
	birth.output = output[1];
	birth.error = error[1];
	log_begin(run->id, birth.argv);
	/* Returns when the child is the program, or has ended: until then we stand still. */
	pid = clone(become, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &birth);
	if (pid < 0)
		goto fail;
	*problem = "cannot execute it";
	errno = birth.problem;
	if (birth.problem)
		goto fail;
	close(output[1]);
	close(error[1]);
	pipes[0] = output[0];
	pipes[1] = error[0];
	return pid;

fail:
	failure = errno;
	close_pair(output);
	close_pair(error);
	errno = failure;
	return -1;
}
