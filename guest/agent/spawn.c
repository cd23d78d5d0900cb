// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"
#include "spawn.h"
#include "text.h"

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
	char **words;

	errno = EINVAL;
	/* Each string has at least its NUL, so the payload bounds the counts. */
	if (argc < 1 || argc > run->length || envc > run->length || argc + envc > run->length)
		return NULL;
	words = calloc(argc + envc + 2, sizeof(*words));
	if (!words)
		return NULL;
	for (size_t i = 0; i < argc + envc + 1; i++) {
		const char *nul;

		if (i == argc)
			continue;
		nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
		if (!nul)
			goto refuse;
		words[i] = (char *)text;
		text = nul + 1;
	}
	if (text != end || words[0][0] != '/')
		goto refuse;
	*env = words + argc + 1;
	return words;

refuse:
	free(words);
	errno = EINVAL;
	return NULL;
}

/* The child's part: never returns. Says on `report` why it could not become the program. */
static void become(char **argv, char **env, int output, int error, int report)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);
	int problem;

	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0)
		goto fail;
	if (null > 2)
		close(null);
	/* The agent must survive a guest without memory; what it starts must not. */
	write_text("/proc/self/oom_score_adj", "0");
	/*
	 * Without it a process cannot touch one that has it (security/commoncap.c:
	 * cap_ptrace_access_check()): no job reads the agent's memory or takes its port.
	 */
	prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, env);
fail:
	problem = errno;
	if (write(report, &problem, sizeof(problem)) < 0)
		_exit(126);
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
	int output[2] = {-1, -1}, error[2] = {-1, -1}, report[2] = {-1, -1};
	int failure = 0;
	char **argv, **env;
	pid_t pid = -1;

	*problem = "the request makes no sense";
	argv = split(run, &env);
	if (!argv)
		return -1;
	*problem = "cannot start a process";
	if (pipe2(output, O_CLOEXEC) || pipe2(error, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
		goto fail;
	log_begin(run->id, argv);
	pid = fork();
	if (pid < 0)
		goto fail;
	if (pid == 0)
		become(argv, env, output[1], error[1], report[1]);
	close(report[1]);
	report[1] = -1;
	/* Ends at once when the program has been executed: the child's descriptor closes then. */
	*problem = "cannot execute it";
	if (read(report[0], &failure, sizeof(failure)) > 0) {
		errno = failure;
		goto fail;
	}
	close(report[0]);
	close(output[1]);
	close(error[1]);
	pipes[0] = output[0];
	pipes[1] = error[0];
	free(argv);
	return pid;

fail:
	failure = errno;
	close_pair(output);
	close_pair(error);
	close_pair(report);
	free(argv);
	errno = failure;
	return -1;
}
