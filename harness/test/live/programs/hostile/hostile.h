/* SPDX-License-Identifier: MIT */
/*
 * One program, many bad characters: which one it is comes from the name it is called by. What each
 * must be judged as stands in harness/test/live/hostile.test.ts and docs/verdicts.md.
 */
#ifndef FENCEPOST_HOSTILE_H
#define FENCEPOST_HOSTILE_H

#include <stddef.h>

struct character {
	const char *name;
	/* What the program's exit status will be. */
	int (*act)(void);
};

/* Each table ends with an empty record. */
extern const struct character stream_characters[];
extern const struct character forgery_characters[];
extern const struct character flood_characters[];
extern const struct character process_characters[];
extern const struct character machine_characters[];
extern const struct character kernel_characters[];

/* Writes a text to standard output at once, past stdio. */
void say(const char *text);

/* Writes all of it; whatever cannot be written is let go. */
void write_all(int fd, const void *bytes, size_t length);

/* Writes a text to a file such as /dev/kmsg or /proc/sys/...; 0, or -1 with errno set. */
int write_file(const char *path, const char *text);

/* Waits for a signal that kills. */
int stay(void);

/* Sleeps through signals. */
void pause_ms(unsigned int ms);

#endif
