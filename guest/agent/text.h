/* SPDX-License-Identifier: MIT */
/* Small files of the kernel, as text. */
#ifndef FENCEPOST_TEXT_H
#define FENCEPOST_TEXT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a file from its start, at most size - 1 bytes, ends it with NUL and takes one newline off
 * its end. Returns the length, or -1 with errno set.
 */
ssize_t read_text(const char *path, char *text, size_t size);

/* Writes a text to a file that is there. Returns 0, or -1 with errno set. */
int write_text(const char *path, const char *text);

#endif
