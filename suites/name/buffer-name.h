/* SPDX-License-Identifier: MIT */
/* buffer-name.h - setting a buffer's name and seeing which it has. */
#ifndef FENCEPOST_BUFFER_NAME_H
#define FENCEPOST_BUFFER_NAME_H

#include <stddef.h>

#include <linux/dma-buf.h>

/* The longest name, without the NUL that DMA_BUF_NAME_LEN counts. */
#define NAME_LENGTH_MAX (DMA_BUF_NAME_LEN - 1)

/* DMA_BUF_SET_NAME with any pointer: 0, or -1 with errno. */
int set_name(int fd, const void *name);

/* `length` printable characters from `first` on, and a NUL. */
void make_name(char *to, size_t length, char first);

/* The case fails unless fdinfo and the link in /proc/self/fd both show this name. */
void expect_name(int fd, const char *name);

/* The same for the link alone. */
void expect_link_name(int fd, const char *name);

#endif
