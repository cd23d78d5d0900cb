/* SPDX-License-Identifier: MIT */
/*
 * compat32.h - a 32-bit program under a 64-bit kernel, which does one thing: ioctls, on our behalf.
 *
 * The program is a few instructions of i386 or ARM code that we carry with us and execute from a
 * memfd, so its calls go through the kernel's compat entry like those of any other 32-bit process.
 */
#ifndef FENCEPOST_COMPAT32_H
#define FENCEPOST_COMPAT32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COMPAT32_ARGUMENT_BYTES 24

struct compat32 {
	pid_t pid;
	int channel;
};

/* Do 32-bit programs run here? False: `why` says why not. */
bool compat32_runs(char *why, size_t size);

/* Starts one that has `fd` open, as its descriptor 3 and for all its ioctls. The case fails when
 * that fails. */
struct compat32 compat32_start(int fd);

/* Has it do ioctl(3, command, argument), the argument updated; 0 or more, or -1 with errno set. */
int compat32_ioctl(const struct compat32 *program, uint32_t command,
		   uint8_t argument[COMPAT32_ARGUMENT_BYTES]);

/* Ends it. */
void compat32_stop(struct compat32 *program);

#endif
