/* SPDX-License-Identifier: MIT */
/* Lines in the kernel log, and so on the console, each beginning with "fencepost: ". */
#ifndef FENCEPOST_LOG_H
#define FENCEPOST_LOG_H

#include <stddef.h>

/* Opens /dev/kmsg and lifts its limit on how much a process may write. Without this, log_line()
 * fails with ENODEV. */
void log_open(void);

/* One line at level 4 (warning). Control characters become '?', what is too long is cut. Returns 0,
 * or -1 with errno set. */
int log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for text that ends by a length. */
int log_text(const char *text, size_t length);

#endif
