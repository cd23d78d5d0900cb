/* SPDX-License-Identifier: MIT */
/*
 * Makes files, directories and symbolic links below a directory that is open, by paths nobody
 * vouches for: a path that is absolute, contains "..", or leads through a symbolic link is refused
 * with EXDEV.
 */
#ifndef FENCEPOST_BELOW_H
#define FENCEPOST_BELOW_H

#include <sys/types.h>

/* Each makes the directories on the way. All return -1 with errno set when they fail. */
int below_directory(int root, const char *path, mode_t mode);
/* Replaces what has the path, unless that is a directory. Returns a descriptor for writing. */
int below_file(int root, const char *path, mode_t mode);
/* The target must be relative and without "..". */
int below_symlink(int root, const char *path, const char *target);

/* Opens a directory by an absolute path that is trusted, making it, and what leads to it, when it
 * is not there. */
int open_directory(const char *path);

#endif
