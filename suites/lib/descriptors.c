// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "descriptors.h"
#include "heap.h"
#include "ktap.h"

#define COUNTED 256

int descriptors_open(void)
{
	int free = 0;

	/*
	 * A number that a failed call has reserved and never given back has no file: it looks
	 * closed to all but those who want a number.
	 */
	for (int from = 0; from < COUNTED;) {
		int got = MUST(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, from));

		free += got < COUNTED;
		MUST(close(got));
		from = got + 1;
	}
	return COUNTED - free;
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
