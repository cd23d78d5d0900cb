// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "descriptors.h"
#include "heap.h"
#include "ktap.h"

#define COUNTED 1024

int descriptors_open(void)
{
	int open = 0;

	for (int fd = 0; fd < COUNTED; fd++)
		open += fcntl(fd, F_GETFD) != -1;
	return open;
}

unsigned long descriptors_forbid(void)
{
	struct rlimit limit;
	unsigned long was;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	was = limit.rlim_cur;
	/* The next descriptor gets the lowest free number: all below it are taken. */
	limit.rlim_cur = (rlim_t)next_descriptor();
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_ERRNO(dup(STDERR_FILENO), EMFILE);
	return was;
}

void descriptors_allow(unsigned long limit)
{
	struct rlimit both;

	MUST(getrlimit(RLIMIT_NOFILE, &both));
	both.rlim_cur = limit;
	MUST(setrlimit(RLIMIT_NOFILE, &both));
}
