// SPDX-License-Identifier: MIT
/* More than anybody wants to keep. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

#define MIB (1024UL * 1024)

static char block[64 * 1024];

static void flood(int fd, size_t bytes)
{
	for (size_t sent = 0; sent < bytes; sent += sizeof(block))
		write_all(fd, block, sizeof(block));
}

/* Lines of 1 KiB that are no results. */
static void fill_with_lines(void)
{
	memset(block, 'x', sizeof(block));
	for (size_t end = 1023; end < sizeof(block); end += 1024)
		block[end] = '\n';
}

static int floods_stdout(void)
{
	fill_with_lines();
	flood(STDOUT_FILENO, 100 * MIB);
	say("1..1\nok 1 one\n");
	return 0;
}

static int floods_stderr(void)
{
	fill_with_lines();
	flood(STDERR_FILENO, 8 * MIB);
	say("1..1\nok 1 one\n");
	return 0;
}

static int floods_one_line(void)
{
	memset(block, 'y', sizeof(block));
	flood(STDOUT_FILENO, 8 * MIB);
	say("\n1..1\nok 1 one\n");
	return 0;
}

/* A plan that is met, of more cases than are kept one by one. */
static int floods_results(void)
{
	size_t used = 0;

	say("1..30000\n");
	for (int number = 1; number <= 30000; number++) {
		used += (size_t)snprintf(block + used, sizeof(block) - used, "ok %d c%d\n", number,
					 number);
		if (used > sizeof(block) - 64 || number == 30000) {
			write_all(STDOUT_FILENO, block, used);
			used = 0;
		}
	}
	return 0;
}

/*
 * Past the kernel's log, through the terminal. An emulated serial line shows some 100 kB a second:
 * harness/test/run/flood.test.ts has the rest of the 100 MB.
 */
static int floods_console(void)
{
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY);

	fill_with_lines();
	flood(fd, MIB / 8);
	say("1..1\nok 1 one\n");
	return 0;
}

/* Through the kernel's log, by two writers at once, faster than a serial line can show. */
static int floods_log(void)
{
	char line[512];

	memset(line, 'z', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	for (int writer = 0; writer < 2; writer++) {
		if (fork())
			continue;
		for (int i = 0; i < 500; i++)
			write_file("/dev/kmsg", line);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	say("1..1\nok 1 one\n");
	return 0;
}

const struct character flood_characters[] = {
	{"floods-stdout", floods_stdout},
	{"floods-stderr", floods_stderr},
	{"floods-one-line", floods_one_line},
	{"floods-results", floods_results},
	{"floods-console", floods_console},
	{"floods-log", floods_log},
	{0},
};
