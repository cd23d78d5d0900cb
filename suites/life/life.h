/* SPDX-License-Identifier: MIT */
/* life.h - what the cases about a buffer's life share: marks in its memory, and others' use of
 * memory. */
#ifndef FENCEPOST_LIFE_H
#define FENCEPOST_LIFE_H

#include <stddef.h>

#define RELEASE_SOURCE "drivers/dma-buf/dma-buf.c: dma_buf_release()"

/* Fills memory with a mark. */
void life_fill(char *at, size_t bytes, char mark);
/* The case fails when a byte is not the mark. */
#define LIFE_EXPECT(at, bytes, mark) life_check(__FILE__, __LINE__, (at), (bytes), (mark))
void life_check(const char *file, int line, const char *at, size_t bytes, char mark);

/* The same through a mapping made for it and gone again. */
void life_write(int fd, size_t bytes, char mark);
#define LIFE_READ(fd, bytes, mark) life_check_buffer(__FILE__, __LINE__, (fd), (bytes), (mark))
void life_check_buffer(const char *file, int line, int fd, size_t bytes, char mark);

/*
 * Takes buffers of this size from the subject, some at once, fills them with another mark and gives
 * them back: what had been freed too early would not keep its marks.
 */
void life_use_memory(size_t bytes);

/* Sends descriptors over a socket of AF_UNIX, and takes one from it. */
void life_send(int socket, const int *fds, size_t count);
int life_receive(int socket);

#endif
