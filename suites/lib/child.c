// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "ktap.h"

pid_t child_keeping(void (*take)(void *), void *argument)
{
	int ready[2];
	char byte;
	pid_t child;

	MUST(pipe2(ready, O_CLOEXEC));
	child = MUST(fork());
	if (!child) {
		take(argument);
		EXPECT_EQ(write(ready[1], "", 1), 1);
		for (;;)
			pause();
	}
	MUST(close(ready[1]));
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	MUST(close(ready[0]));
	return child;
}

void child_kill(pid_t child)
{
	int status;

	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
