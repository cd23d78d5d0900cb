// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

static const struct character *const tables[] = {
	stream_characters,  forgery_characters, flood_characters,
	process_characters, machine_characters, kernel_characters, leak_characters,
};

const char *asked[64];

void write_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t written = write(fd, at, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		at += written;
		length -= (size_t)written;
	}
}

void say(const char *text)
{
	write_all(STDOUT_FILENO, text, strlen(text));
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (fd < 0)
		return -1;
	written = write(fd, text, strlen(text));
	close(fd);
	return written < 0 ? -1 : 0;
}

void pause_ms(unsigned int ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

int stay(void)
{
	for (;;)
		pause();
	return 0;
}

static int act(const char *name)
{
	for (const struct liar *one = liars; one->name; one++) {
		if (strcmp(one->name, name))
			continue;
		say(one->text);
		return one->status;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct character *one = tables[i]; one->name; one++)
			if (!strcmp(one->name, name))
				return one->act();
	fprintf(stderr, "%s: no such character\n", name);
	return 99;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	for (int i = 2; i + 1 < argc; i++)
		if (!strcmp(argv[i], "--case") && count + 1 < sizeof(asked) / sizeof(asked[0]))
			asked[count++] = argv[++i];
	return act(argc > 1 ? argv[1] : "");
}
