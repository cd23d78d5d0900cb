/* SPDX-License-Identifier: MIT */
/*
 * One program, many bad characters: its first argument says which one it is. What each must be
 * judged as stands in harness/test/live/hostile.test.ts.
 */
#ifndef FENCEPOST_HOSTILE_H
#define FENCEPOST_HOSTILE_H

#include <stddef.h>

/* Says its text and ends. */
struct liar {
	const char *name, *text;
	int status;
};

struct character {
	const char *name;
	/* Returns the program's exit status. */
	int (*act)(void);
};

/* Each table ends with an empty record. */
extern const struct liar liars[];
extern const struct character stream_characters[];
extern const struct character forgery_characters[];
extern const struct character flood_characters[];
extern const struct character process_characters[];
extern const struct character machine_characters[];
extern const struct character kernel_characters[];
extern const struct character leak_characters[];

/* The cases that were asked for by --case, in order; NULL ends them. */
extern const char *asked[64];

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

/*
 * Has the kernel do what the module wreck does with these parameters. 0 once the module is in, -1
 * when the kernel refused it.
 */
int wreck(const char *parameters);

#endif
